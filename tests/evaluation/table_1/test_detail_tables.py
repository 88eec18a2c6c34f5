from deepresolve.evaluation.table_1.detail_tables import (
    seconds_table,
    tests_table,
    volumes_table,
)

# pytest would take it for a test.
tests_table.__test__ = False

TEST = {
    "family": "segmented, TCI",
    "metric": "dsc",
    "class": "femoral cartilage",
    "network": "seg",
    "a": "sr",
    "b": "ground_truth",
    "n": 8,
    "num_zeros": 0,
    "num_higher": 3,
    "statistic": 11.5,
    "p": 0.4609,
    "p_holm": 0.00094,
    "median_difference": 0.0,
    "mean_difference": -0.0061,
    "interval_low": -0.0102,
    "interval_high": float("nan"),
    "effect_size": -0.36,
}


def test_a_test_is_told_in_the_units_of_the_table(full_results):
    (row,) = tests_table(full_results.plan, [TEST]).rows
    assert row == (
        "DSC (%), femoral cartilage",
        "SR-CNN - Ground truth",
        "8",
        "3 of 8",
        "-0.61",
        "-1.02 to n/a",
        "-0.36",
        "11.5",
        "0.461",
        "< 0.001",
    )


def test_networks_are_called_by_their_names(full_results):
    test = TEST | {"family": "benchmark, further", "a": "seg", "b": "benchmark"}
    (row,) = tests_table(full_results.plan, [test], further=True).rows
    assert row[1] == "3D Seg-CNN - 2D SegNet"


def test_the_papers_measures_and_the_further_ones_are_kept_apart(full_analysis):
    plan, tests = full_analysis.results.plan, full_analysis.tests
    paper = tests_table(plan, tests).rows
    further = tests_table(plan, tests, further=True).rows
    assert len(paper) == 2 + 2 * 2 * 3  # images; DSC and VOE, two tissues, three pairs
    assert len(paper) + len(further) == len(tests)
    assert not set(paper) & set(further)


def test_volumes_have_a_line_each(full_analysis):
    table = volumes_table(full_analysis.results.plan, full_analysis.volumes)
    assert len(table.rows) == len(full_analysis.volumes)
    assert table.rows[0][:4] == ("bright tissue", "3D Seg-CNN", "Ground truth", "8")
    row = full_analysis.volumes[1]
    assert table.rows[1][4] == f"{row['bias']:+.0f}"
    assert table.rows[1][6] == f"{100 * row['rms_cv']:.2f}"


def test_seconds_have_no_published_ones_beside_them_by_default(full_results):
    table = seconds_table(full_results)
    assert [row[0] for row in table.rows] == ["SR-CNN", "3D Seg-CNN", "2D SegNet"]
    assert [row[1] for row in table.rows] == ["8", "32", "8"]
    assert {row[-1] for row in table.rows} == {"n/a"}

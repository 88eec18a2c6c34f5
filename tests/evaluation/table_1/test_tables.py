import dataclasses

import numpy as np
import pytest

from deepresolve.evaluation.table_1.plan import Network
from deepresolve.evaluation.table_1.tables import further_tables, legend, table_1
from deepresolve.metrics.table import of

IMAGE_METRICS = of("images")
# Volumes are measured, but not compared.
LABEL_METRICS = {name: m for name, m in of("masks").items() if m.best is not None}


def with_plan(results, **changes):
    plan = dataclasses.replace(results.plan, **changes)
    return dataclasses.replace(results, plan=plan)


def lines(table):
    return {row[0]: row[1:] for row in table.rows}


def test_table_has_the_papers_shape(results, with_values):
    known = with_values(
        results,
        {
            ("sr", "sr", "ssim"): [0.79, 0.8, 0.81],
            ("sr", "tci", "ssim"): [0.7] * 3,
            ("sr", "fourier", "ssim"): [np.inf] * 3,
        },
    )
    table = table_1(known, [])
    assert table.header[1:] == ("Ground truth", "SR-CNN", "TCI", "Fourier")
    assert [row[0] for row in table.rows] == [
        "SSIM (x100)",
        "pSNR (dB)",
        "DIQ (1 to 5)",
        "Rank (1 to 3, 3 best)",
    ]
    assert table.rows[0][1:] == ("n/a", "80.00 ± 1.00", "70.00 ± 0.00", "inf (n = 3)")
    assert table.rows[2][1:] == ("not read",) * 4


def test_segmentations_follow_with_their_marks(full_results, with_values):
    known = with_values(
        full_results,
        {
            ("seg", s, "dsc"): np.repeat(values, 2)
            for s, values in {
                "ground_truth": [0.9] * 8,
                "sr": [0.8, 0.9] * 4,
                "tci": [0.7] * 8,
            }.items()
        },
    )
    tests = [
        {"metric": "dsc", "class": "bright tissue", "a": "sr", "b": b, "p_holm": 0.01}
        for b in ("tci", "ground_truth")
    ] + [
        {
            "metric": "dsc",
            "class": "bright tissue",
            "a": "seg",
            "b": "benchmark",
            "p_holm": 0.01,
        }
    ]
    table = lines(table_1(known, tests))
    assert len(table) == 2 + 2 + 4 + 4
    marked = table["DSC (%), bright tissue, 3D Seg-CNN"]
    # Sample deviation of 4 x 0.8 and 4 x 0.9: 0.05 sqrt(8 / 7).
    assert marked[:3] == ("90.00 ± 0.00 ‡", "85.00 ± 5.35 †*", "70.00 ± 0.00")
    assert table["DSC (%), dark tissue, 3D Seg-CNN"][1] == "85.00 ± 5.35"
    benchmark = table["DSC (%), bright tissue, 2D SegNet"]
    assert "±" in benchmark[0]
    assert not set("†*‡") & set(benchmark[0])  # the mark stands at the other one
    assert benchmark[1:] == ("n/a",) * 3


def test_without_image_sets_there_are_no_lines_of_images(full_results):
    truth_alone = dataclasses.replace(
        with_plan(
            full_results,
            networks={"seg": Network("3D Seg-CNN", None)},
            downsample_factor=None,
        ),
        measurements=tuple(
            m
            for m in full_results.measurements
            if (m.source, m.image_set) == ("seg", "ground_truth")
        ),
    )
    table = lines(table_1(truth_alone, []))
    assert list(table)[:2] == ["DIQ (1 to 5)", "Rank (1 to 3, 3 best)"]
    assert table["DIQ (1 to 5)"] == ("not read", "n/a", "n/a", "n/a")
    assert len(table) == 2 + 4


def test_published_values_stand_only_below_published_networks(full_results):
    def published_lines(published, factor=3):
        networks = {
            name: dataclasses.replace(network, published=name in published)
            for name, network in full_results.plan.networks.items()
        }
        chosen = with_plan(full_results, networks=networks, downsample_factor=factor)
        return [row for row in table_1(chosen, []).rows if row[0] == "as published"]

    assert published_lines(()) == []
    assert published_lines(("sr",)) == [
        # Abstract, Table 1.
        ("as published", "n/a", "79.1 ± 1.3", "73.8 ± 1.3", "n/a"),
        ("as published", "n/a", "29.1 ± 1.0", "26.8 ± 1.2", "n/a"),
    ]
    dsc, voe = published_lines(("seg",))[:2]
    assert dsc[1:] == ("90.2 ± 1.8", "n/a", "86.3 ± 3.2", "n/a")  # not that SR-CNN
    assert voe[1:] == ("17.8 ± 3.0", "n/a", "24.0 ± 4.9", "n/a")
    everything = published_lines(("sr", "seg", "benchmark"))
    assert everything[2][1:3] == ("90.2 ± 1.8", "89.6 ± 2.0")
    assert everything[-1][1:] == ("29.0 ± 3.5", "n/a", "n/a", "n/a")
    assert published_lines(("seg",), factor=4)[0][1:] == (
        "90.2 ± 1.8",
        "n/a",
        "n/a",
        "n/a",
    )


def test_all_other_measures_have_a_table(full_results):
    images, label_maps = further_tables(full_results)
    titles = {
        metric.heading
        for name, metric in IMAGE_METRICS.items()
        if name not in ("ssim", "psnr")
    }
    assert {row[0] for row in images.rows} == titles
    others = [name for name in LABEL_METRICS if name not in ("dsc", "voe")]
    assert len(label_maps.rows) == len(others) * 2 * 2  # tissues, networks
    assert not any(mark in str(images.rows) for mark in "†*‡")


@pytest.mark.parametrize(
    ("parts", "marks"),
    [
        (("sr",), "†"),
        (("seg",), ""),
        (("sr", "seg"), "†*"),
        (("seg", "benchmark"), "‡"),
        (("sr", "seg", "benchmark"), "†*‡"),
    ],
)
def test_legend_explains_the_marks_that_can_occur(full_results, parts, marks):
    networks = {part: full_results.plan.networks[part] for part in parts}
    plan = dataclasses.replace(full_results.plan, networks=networks)
    assert "".join(c for c in legend(plan) if c in "†*‡") == marks


def scored_lines(results, scores):
    table = table_1(results, [], scores)
    return [row for row in table.rows if row[0].startswith(("DIQ", "Rank", "as "))]


def published_by_sr(results):
    networks = dict(results.plan.networks)
    networks["sr"] = dataclasses.replace(networks["sr"], published=True)
    return with_plan(results, networks=networks)


def test_scores_fill_their_rows(full_results, scores):
    diq, rank = scored_lines(full_results, scores())
    # Four 3 and four 4: sample deviation 0.5 sqrt(8 / 7).
    assert diq == (
        *("DIQ (1 to 5), 8 cases", "3.62 ± 0.52", "3.50 ± 0.53 †", "1.50 ± 0.53"),
        "not read",  # Fourier interpolation was made, but not shown
    )
    assert rank[:2] == ("Rank (1 to 3, 3 best), 8 cases", "2.50 ± 0.53")


def test_cases_that_were_not_read_are_not_counted(full_results, scores):
    lines = scored_lines(full_results, scores(num_cases=5))
    assert lines[0][0] == "DIQ (1 to 5), 5 cases"
    lines = scored_lines(full_results, scores(num_cases=1))
    assert lines[0][0] == "DIQ (1 to 5), 1 case"


def test_published_scores_stand_below_those_of_the_same_scale(full_results, scores):
    published = published_by_sr(full_results)
    rows = [r for r in scored_lines(published, scores()) if r[0].startswith("as")]
    # Abstract, Table 1, between pSNR and DSC.
    assert ("as published", "4.4 ± 0.5", "3.8 ± 0.8", "3.1 ± 1.0", "n/a") in rows
    assert ("as published", "2.8 ± 0.2", "2.1 ± 0.5", "1.1 ± 0.4", "n/a") in rows
    for results, given in (
        (published, scores(highest=7)),
        (published, None),
        (full_results, scores()),
    ):
        assert not any("4.4 ± 0.5" in row for row in scored_lines(results, given))


def test_one_question_alone_leaves_the_other_unread(full_results, scores):
    assert scored_lines(full_results, scores(names=("diq",)))[1] == (
        "Rank (1 to 3, 3 best)",
        *["not read"] * 4,
    )

import pytest

from deepresolve.evaluation.table_1 import contents
from deepresolve.evaluation.table_1.analysis import analyse
from deepresolve.evaluation.table_1.experiment import evaluate
from deepresolve.reports import markdown
from deepresolve.reports.document import Picture

PROVENANCE = {"records": "gs://bucket/shards", "split": "test"}


def text_of(analysis, pictures=None):
    return markdown.render(contents.report(analysis, PROVENANCE, pictures or {}))


def test_report_says_how_it_was_measured(full_analysis):
    text = text_of(full_analysis)
    for said in (
        "| SSIM (x100)",
        "| DSC (%), bright tissue, 3D Seg-CNN",
        "8 scans of 8 people. Thick slices are 3 thin ones apart.",
        "downsample_factor: 3",
        "data_range: 1.0",
        "from the first acquired slice to the last; slices past it are left out",
        "7 voxels along each axis",
        "Dice similarity coefficient",
        "segmentation by those of the image set",
        "classes: bright tissue, dark tissue",
        "## Seconds per volume",
        "RMS-CV",
        "gs://bucket/shards",
    ):
        assert said in text


def test_pictures_stand_where_they_belong(full_analysis):
    names = ("figure_2.png", "paired.png", "bland_altman.png", "super_resolution.png")
    pictures = {name: Picture(name, name, "") for name in names}
    text = text_of(full_analysis, pictures)
    places = [text.index(f"]({name})") for name in names]
    assert places == sorted(places)
    assert text.index("## Volumes") < places[2] < text.index("## Further measures")
    assert "](" not in text_of(full_analysis)


def test_super_resolution_alone_says_nothing_of_segmentation(results):
    text = text_of(analyse(results))
    for word in ("DSC", "## Volumes", "reference_volume_mm3", "classes:"):
        assert word not in text


@pytest.mark.parametrize(("num_subjects", "told"), [(3, True), (7, False)])
def test_a_study_too_small_for_any_mark_is_told_so(
    make_subject, sr_plan, num_subjects, told
):
    """Two tests of n pairs cannot both be below 2 x 2 / 2^n; 7 pairs make 0.031."""
    subjects = [make_subject(seed) for seed in range(num_subjects)]
    text = text_of(analyse(evaluate(subjects, sr_plan())))
    note = "smallest corrected p cannot be below 0.5"
    assert (note in text) == told
    assert ("Too few subjects" in text) == told


def test_scores_have_their_section_and_their_marks(full_results, scores):
    analysis = analyse(full_results, scores())
    text = text_of(analysis)
    assert "## Readers\n\nRead blinded." in text
    assert "* SR-CNN differs from the ground truth" in text
    assert "Read blinded" not in text_of(analyse(full_results))


def test_scans_of_one_person_are_told(make_subject, sr_plan):
    twins = [make_subject(seed, person="one") for seed in range(2)]
    text = text_of(analyse(evaluate(twins, sr_plan())))
    assert "2 scans are of 1 people" in text

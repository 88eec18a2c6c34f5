"""Places are cut where defects lie, and the table counts each width by itself."""

import csv

import numpy as np
import pytest

from deepresolve.imaging.volume import Volume


@pytest.fixture
def crops(monkeypatch):
    monkeypatch.syspath_prepend("benchmarks")
    import detectability_crops

    return detectability_crops


def test_every_width_comes_to_every_region_once_in_four_knees(crops):
    drawn = [defect for seed in range(8000, 8004) for defect in crops.draw(seed, 0.6)]
    places = {tuple(name.split("_")[1:]) for name in drawn}
    assert len(places) == len(drawn) == 4 * len(crops.WIDTHS_MM)


@pytest.mark.parametrize(
    ("voxel", "start"), [((50, 60, 40), (30, 40, 26)), ((2, 79, 40), (0, 50, 26))]
)
def test_a_place_lies_in_the_middle_or_at_an_end(crops, voxel, start):
    array = np.arange(80 * 90 * 80, dtype=np.float32).reshape(80, 90, 80)
    affine = np.diag([-0.5, -0.5, 0.75, 1.0])
    affine[:3, 3] = 7.0, -3.0, 11.0
    image = Volume(array, affine, slice_axis=2)
    cut = crops.around(image, (affine @ (*voxel, 1.0))[:3])
    assert cut.shape == crops.SHAPE
    assert cut.array[0, 0, 0] == array[start]
    np.testing.assert_allclose(cut.affine[:3, 3], (affine @ (*start, 1.0))[:3])


def test_one_knee_becomes_scans_with_and_without(crops, tmp_path, monkeypatch):
    monkeypatch.setattr(crops, "_SPACING_MM", (1.5, 1.5, 2.0))
    monkeypatch.setattr(crops, "_FIELD", (54, 46, 40))
    monkeypatch.setattr(crops, "SHAPE", (14, 14, 10))
    crops.write_knee(tmp_path, 8001, 1.0, lambda thick, factor: _repeated(thick))
    crops.write_tables(tmp_path / "sr", {8001: "test"})
    with (tmp_path / "sr" / "grades.csv").open(encoding="utf-8") as file:
        grades = {row["subject"]: row[crops.GRADE] for row in csv.DictReader(file)}
    with (tmp_path / "sr" / "persons.csv").open(encoding="utf-8") as file:
        persons = list(csv.DictReader(file))
    assert len(grades) == len(persons) == 8
    assert {(row["person"], row["split"]) for row in persons} == {("8001", "test")}
    for name, is_there in grades.items():
        assert name.endswith(is_there)
    pairs = [
        [
            crops.formats.read_image(
                tmp_path / "ground_truth" / "scans" / f"{name}_{n}.nii.gz"
            )
            for n in (0, 1)
        ]
        for name in crops.draw(8001, 1.0)
    ]
    for without, torn in pairs:
        np.testing.assert_array_equal(without.affine, torn.affine)
        middle = without.array[5:9, 5:9, 3:7]
        # Fluid is brighter than the cartilage that it takes the place of.
        assert np.any(torn.array[5:9, 5:9, 3:7] > middle)
    # What is there is not drawn again.
    crops.write_knee(tmp_path, 8001, 1.0, restore=None)
    with pytest.raises(ValueError, match="another knee"):
        crops.write_tables(tmp_path / "sr", {8002: "test"})


def _repeated(thick):
    thin = np.repeat(thick.array, 3, axis=2)
    return thin[..., 1:-1]


def test_the_table_has_the_areas_of_each_width(crops, tmp_path):
    import detectability_table

    columns = "subject", "kind", "reference", "estimate"
    said = {
        # Of four pairs of 2 mm sr has three right, tci two; of 8 mm both have all.
        "sr": (0.1, 0.3, 0.4, 0.2, 0.1, 0.2, 0.8, 0.9),
        "tci": (0.4, 0.1, 0.2, 0.3, 0.1, 0.2, 0.8, 0.9),
    }
    names = [
        f"{8000 + number}_mfc_{width}_{is_there}"
        for width in (20, 80)
        for is_there in (0, 1)
        for number in (0, 1)
    ]
    reports = {}
    for title, estimates in said.items():
        reports[title] = tmp_path / f"{title}.csv"
        with reports[title].open("w", newline="", encoding="utf-8") as file:
            rows = [
                (name, kind, int(name[-1]), estimate)
                for name, estimate in zip(names, estimates, strict=True)
                for kind in ("probabilities", "classes")
            ]
            csv.writer(file).writerows([columns, *rows])
    lines = detectability_table.text(reports, "sr", "tci").splitlines()
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    assert [row[0] for row in cells[2:]] == ["2", "8", "all"]
    assert [row[1] for row in cells[2:]] == ["2 + 2", "2 + 2", "4 + 4"]
    assert cells[2][2].startswith("0.750")
    assert cells[2][3].startswith("0.500")
    assert cells[3][2].startswith("1.000")


def test_reports_of_other_places_are_refused(crops, tmp_path):
    import detectability_table

    reports = {}
    for title in ("sr", "tci"):
        reports[title] = tmp_path / f"{title}.csv"
        reports[title].write_text(
            f"subject,kind,reference,estimate\n{title}_mfc_20_1,probabilities,1,0.5\n"
        )
    with pytest.raises(ValueError, match="other places"):
        detectability_table.text(reports, "sr", "tci")

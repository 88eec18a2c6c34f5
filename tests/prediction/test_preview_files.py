import pathlib

import nibabel as nib
import numpy as np
import pytest

from deepresolve.imaging import formats
from deepresolve.imaging.degradation import interpolate
from deepresolve.imaging.volume import Volume
from deepresolve.prediction import preview_files
from deepresolve.tasks.grades import Answer, Grade
from deepresolve.tasks.prediction import Grades, Image, Prediction

ONE = [(pathlib.Path("scans/a.nii"), pathlib.Path("out/a.nii.gz"))]
TWO = [*ONE, (pathlib.Path("scans/b"), pathlib.Path("out/1.2.840"))]


def test_one_scan_has_the_named_file():
    for name in ("x/y.png", "x/Y.HTML"):
        planned = preview_files.plan(name, "scans", ONE)
        assert planned.paths == {ONE[0][1]: pathlib.Path(name)}


@pytest.mark.parametrize("kind", ["png", "html"])
def test_several_have_one_beside_each_result(kind):
    """A file, and the folder of a DICOM series."""
    planned = preview_files.plan(kind, "scans", TWO)
    expected = [f"out/a_preview.{kind}", f"out/1.2.840_preview.{kind}"]
    assert list(planned.paths.values()) == [pathlib.Path(path) for path in expected]
    segmentation = [(pathlib.Path("scans/a"), pathlib.Path("out/a.dcm"))]
    (path,) = preview_files.plan(kind, "scans", segmentation).paths.values()
    assert path == pathlib.Path(expected[0])


@pytest.mark.parametrize(
    ("preview", "pairs", "message"),
    [
        ("x.jpg", ONE, "--preview=x.jpg: expected a .png or .html file"),
        ("out", ONE, "--preview=out: expected"),
        (".png", ONE, "--preview=.png: expected"),
        ("x.png", TWO, "holds 2 scans, but --preview=x.png is one file. --preview=png"),
        ("scans/x.png", ONE, "lie within --input=scans, among the scans"),
        ("x.png", [(pathlib.Path("x.png"), ONE[0][1])], "would overwrite x.png"),
        ("x.html", [(ONE[0][0], pathlib.Path("x.html"))], "would overwrite x.html"),
    ],
)
def test_what_cannot_be_meant_is_refused(preview, pairs, message):
    with pytest.raises(ValueError) as raised:
        preview_files.plan(preview, "scans", pairs)
    assert message in str(raised.value)


@pytest.mark.parametrize("name", ["p.png", "p.html"])
def test_a_preview_is_whole_or_absent(tmp_path, full_disk, name):
    source, target, path = (tmp_path / n for n in ("a.nii", "b.nii.gz", f"new/{name}"))
    array = np.random.default_rng(0).integers(0, 900, (12, 13, 5)).astype(np.int16)
    nib.save(nib.Nifti1Image(array, np.diag([0.5, 0.5, 3, 1])), source)
    scan = formats.read_image(source)
    planned = preview_files.plan(str(path), str(source), [(source, target)])
    image = Image()
    prediction = Prediction(image, {image.name: interpolate(scan, 3)}, {}, "")
    arguments = (source, target, scan, prediction)
    message = f"{target} was written, but not its preview {path}: "
    with full_disk(1000), pytest.raises(OSError) as raised:
        planned.write(*arguments)
    assert message in str(raised.value)
    assert list(path.parent.iterdir()) == []
    planned.write(*arguments)
    assert [file.name for file in path.parent.iterdir()] == [name]
    assert path.stat().st_size > 1000


@pytest.mark.parametrize("name", ["p.png", "p.html"])
def test_where_a_network_looked_is_computed_for_a_preview_alone(tmp_path, name):
    scan = Volume(np.random.default_rng(0).random((12, 13, 5), np.float32), np.eye(4))
    asked = []

    def look():
        asked.append(1)
        return scan

    answer = Answer("acl above 0", 0.75, np.array([0, 0, 0.5, 0, 0]), look)
    grade = Grade("acl", (answer,))
    prediction = Prediction(Grades(), {}, {}, "acl 1", grades=[grade])
    assert not asked
    source, target, path = tmp_path / "a.nii", tmp_path / "a", tmp_path / name
    planned = preview_files.plan(str(path), str(source), [(source, target)])
    planned.write(source, target, scan, prediction)
    assert asked == [1]
    assert path.stat().st_size > 1000
    if name.endswith("html"):
        assert "acl: grade 1 of 0 to 1" in path.read_text("utf-8")

"""Label maps in, pages out; what is shown on them is tested with the page."""

import json
import re

import pytest

from deepresolve.imaging import formats
from deepresolve.imaging.labels import format_label_names
from deepresolve.simulation import phantom

NAMES = {
    **{1: "femoral cartilage", 2: "medial tibial cartilage", 5: "femur", 6: "tibia"},
    3: "lateral tibial cartilage",
}
FLAG = f"--label_names={format_label_names(NAMES)}"


@pytest.fixture(scope="module")
def knee():
    return phantom.knee(seed=7, shape=(64, 64, 40), spacing_mm=(1.8, 1.8, 2.0))


@pytest.fixture
def run(run_script):
    return lambda *flags: run_script("deepresolve", "measure", *flags)


@pytest.fixture
def given(tmp_path):
    """Flags of every command here."""
    return f"--input={tmp_path / 'maps'}", f"--output={tmp_path / 'mm.csv'}", FLAG


def save(path, volume):
    path.parent.mkdir(exist_ok=True, parents=True)
    formats.write(path, volume)


def slices_of(page):
    found = re.search(r'id="facts">(.+?)</script>', page.read_text(encoding="utf-8"))
    return json.loads(found[1])["slices"]


def test_each_knee_has_a_page_over_its_scan(run, given, knee, tmp_path):
    for name in ("a/knee", "b/knee"):
        save(tmp_path / "maps" / f"{name}.nii.gz", knee.label)
        save(tmp_path / "scans" / f"{name}.nii", knee.image)
    flags = f"--page={tmp_path / 'pages'}", f"--scan={tmp_path / 'scans'}"
    result = run(*given, *flags)
    assert result.returncode == 0, result.stderr
    for name in ("a/knee", "b/knee"):
        page = tmp_path / "pages" / f"{name}.html"
        assert f"<h1>{name}</h1>" in page.read_text(encoding="utf-8")
        assert slices_of(page)["grey"] == "scan"


def test_a_label_map_alone_has_a_page(run, given, knee, tmp_path):
    save(tmp_path / "maps" / "knee.nii.gz", knee.label)
    result = run(*given, f"--page={tmp_path / 'pages'}")
    assert result.returncode == 0, result.stderr
    assert slices_of(tmp_path / "pages" / "knee.html")["grey"] == "labels"


def test_a_scan_on_another_grid_costs_the_page_alone(run, given, knee, tmp_path):
    save(tmp_path / "maps" / "knee.nii.gz", knee.label)
    other = knee.image.crop([slice(0, 30), slice(0, 64), slice(0, 40)])
    save(tmp_path / "scan.nii.gz", other)
    flags = f"--page={tmp_path / 'pages'}", f"--scan={tmp_path / 'scan.nii.gz'}"
    result = run(*given, *flags)
    assert result.returncode == 1
    assert "measured, but not all of its files are written: " in result.stderr
    assert "labelled voxels lie outside the image" in result.stderr
    assert "knee,MT," in (tmp_path / "mm.csv").read_text(encoding="utf-8")
    assert not list((tmp_path / "pages").iterdir())


def test_a_page_is_made_once(run, given, knee, tmp_path):
    save(tmp_path / "maps" / "knee.nii.gz", knee.label)
    flags = {"flags": [{"text": "27 ml of <cartilage>"}]}
    trust = tmp_path / "maps" / "knee_trust.json"
    trust.write_text(json.dumps(flags), encoding="utf-8")
    pages = f"--page={tmp_path / 'pages'}"
    assert run(*given, pages).returncode == 0
    text = (tmp_path / "pages" / "knee.html").read_text(encoding="utf-8")
    assert "27 ml of &lt;cartilage&gt;" in text
    assert text.count("data:image/png;base64,") == 1
    assert "passed over" in run(*given, pages).stdout
    # Another trust report, and a scan where there was none, make another page.
    trust.write_text(json.dumps({"flags": []}), encoding="utf-8")
    assert "passed over" not in run(*given, pages).stdout
    save(tmp_path / "scan.nii.gz", knee.image)
    with_scan = (*given, pages, f"--scan={tmp_path / 'scan.nii.gz'}")
    assert "passed over" not in run(*with_scan).stdout
    assert slices_of(tmp_path / "pages" / "knee.html")["grey"] == "scan"
    assert "passed over" in run(*with_scan).stdout
    trust.write_text("{}", encoding="utf-8")
    result = run(*with_scan)
    assert result.returncode == 1 and "knee_trust.json is no trust" in result.stderr


def test_scans_must_go_with_label_maps(run, given, knee, tmp_path):
    for name in ("one", "two"):
        save(tmp_path / "maps" / f"{name}.nii.gz", knee.label)
    save(tmp_path / "scans" / "one.nii", knee.image)
    page = f"--page={tmp_path / 'pages'}"
    for flags, message in (
        ((f"--scan={tmp_path / 'scans'}",), "--scan: only with --page"),
        ((page, f"--scan={tmp_path / 'scans'}"), "holds no scan named 'two'"),
        ((page, f"--scan={tmp_path / 'scans' / 'one.nii'}"), "one scan, and there are"),
        ((page, f"--scan={tmp_path / 'none'}"), "there is no such file"),
        (("--page=gs://bucket/pages",), "goes to a local folder"),
    ):
        result = run(*given, *flags)
        assert result.returncode == 1 and message in result.stderr, result.stderr
    save(tmp_path / "scans" / "one.nii.gz", knee.image)
    result = run(*given, page, f"--scan={tmp_path / 'scans'}")
    assert result.returncode == 1 and "have one name" in result.stderr
    assert not (tmp_path / "mm.csv").exists()
    assert not (tmp_path / "pages").exists()

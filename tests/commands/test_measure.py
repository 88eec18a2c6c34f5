"""Label maps in, a table of millimetres out."""

import csv
import pathlib

import numpy as np
import pytest

from deepresolve.imaging import formats
from deepresolve.imaging.labels import format_label_names
from deepresolve.quantification.knee import measure
from deepresolve.simulation import phantom

NAMES = phantom.LABEL_NAMES
FLAG = f"--label_names={format_label_names(NAMES)}"


@pytest.fixture(scope="module")
def knee():
    return phantom.knee(seed=7, shape=(100, 100, 60), spacing_mm=(1.2, 1.2, 1.4)).label


@pytest.fixture
def run(run_script):
    return lambda *flags: run_script("deepresolve", "measure", *flags)


def save(path, label):
    path.parent.mkdir(exist_ok=True, parents=True)
    formats.write(path, label)


def rows(path):
    with pathlib.Path(path).open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_a_knee_becomes_lines_of_a_table(run, knee, tmp_path):
    save(tmp_path / "knee.nii.gz", knee)
    table = tmp_path / "thickness.csv"
    given = (f"--input={tmp_path / 'knee.nii.gz'}", f"--output={table}")
    result = run(*given, FLAG)
    assert result.returncode == 0, result.stderr
    assert "knee.nii.gz: F " in result.stdout and " mm over " in result.stdout
    expected = measure(knee, NAMES).quantities
    found = rows(table)
    assert [row["place"] for row in found] == list(expected)
    assert {"F", "MT", "LT", "P", "cMT", "ecLF", "MFTC", "MM"} <= set(expected)
    for row in found:
        assert row.pop("scan") == "knee"
        assert len(row.pop("fingerprint")) == 16
        numbers = {name: float(cell) for name, cell in row.items() if name != "place"}
        assert numbers.pop("weight_bearing") == 0.6
        held = {name: n for name, n in numbers.items() if not np.isnan(n)}
        assert held == pytest.approx(
            {n: v for n, v in expected[row["place"]].items() if not np.isnan(v)}
        )
    # The same again is no more, and no work.
    again = run(*given, FLAG)
    assert again.returncode == 0
    assert "had the lines of 1 of 1 label maps" in again.stdout
    assert "mm over" not in again.stdout
    assert len(rows(table)) == len(found)


def test_a_bad_knee_is_told_and_passed_over(run, knee, tmp_path):
    for name, label in (
        ("a/good", knee),
        ("b/bones", knee.with_array(np.where(knee.array < 5, 0, knee.array))),
    ):
        save(tmp_path / "maps" / f"{name}.nii.gz", label)
    table = tmp_path / "thickness.csv"
    result = run(f"--input={tmp_path / 'maps'}", f"--output={table}", FLAG)
    assert result.returncode == 1
    assert "bones.nii.gz: No cartilage to measure" in result.stderr
    *_, heading, failure = result.stderr.splitlines()
    assert heading == "1 of 2 label maps failed:"
    assert failure.startswith(f"  {tmp_path / 'maps/b/bones.nii.gz'}: No cartilage ")
    assert result.stdout.startswith("[1 of 2, about ")
    assert {row["scan"] for row in rows(table)} == {"a/good"}


def test_names_are_those_of_the_run_that_made_the_label_map(run, knee, tmp_path):
    names = ("femoral cartilage", "medial tibial cartilage", "lateral tibial cartilage")
    names += ("patellar cartilage", "femur", "tibia", "patella")
    values = np.array([0, *range(1, 8), 0, 0, 0], np.uint8)
    label = knee.with_array(values[knee.array])
    save(tmp_path / "knee.nii.gz", label)
    table = tmp_path / "thickness.csv"
    given = (f"--input={tmp_path / 'knee.nii.gz'}", f"--output={table}")
    result = run(*given, "--workdir=pretrained:seg_knee", "--weight_bearing=0.75")
    assert result.returncode == 0, result.stderr
    expected = measure(label, dict(enumerate(names, start=1)), 0.75).quantities
    for row in rows(table):
        assert float(row["VC"]) == pytest.approx(expected[row["place"]]["VC"])
        assert row["weight_bearing"] == "0.75"


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        ((), "--workdir, the run that made them"),
        ((FLAG, "--workdir=pretrained:seg_knee"), "give one of both"),
        (("--workdir=pretrained:sr_knee",), "is no run of a segmentation"),
        (("--label_names=femur",), "femur"),
        ((FLAG, "--runner=beam", "--num_workers=2"), "How many workers Beam has"),
        ((FLAG, "--beam_options=--x"), "--beam_options: only with --runner=beam"),
        ((FLAG, "--num_workers=0"), "flag --num_workers=0"),
    ],
)
def test_flags_that_say_too_little_or_too_much_are_refused(
    run, knee, tmp_path, flags, message
):
    save(tmp_path / "knee.nii.gz", knee)
    table = tmp_path / "thickness.csv"
    result = run(f"--input={tmp_path / 'knee.nii.gz'}", f"--output={table}", *flags)
    assert result.returncode == 1 and message in result.stderr
    assert not table.exists()


def test_another_table_stays_as_it_is(run, knee, tmp_path):
    save(tmp_path / "knee.nii.gz", knee)
    table = tmp_path / "notes.csv"
    table.write_text("patient,remark\n1,fine\n", encoding="utf-8")
    given = (f"--input={tmp_path / 'knee.nii.gz'}", FLAG)
    result = run(*given, f"--output={table}")
    assert result.returncode == 1 and "is no table of cartilage " in result.stderr
    assert table.read_text(encoding="utf-8") == "patient,remark\n1,fine\n"
    result = run(*given, f"--output={tmp_path / 'table.xlsx'}")
    assert result.returncode == 1 and "a table's name ends in .csv" in result.stderr


def test_two_label_maps_of_one_name_are_refused(run, knee, tmp_path):
    for name in ("knee.nii", "knee.nii.gz"):
        save(tmp_path / "maps" / name, knee)
    table = tmp_path / "thickness.csv"
    given = (f"--input={tmp_path / 'maps'}", f"--output={table}", FLAG)
    result = run(*given)
    assert result.returncode == 1 and "Two label maps are named 'knee'" in result.stderr
    result = run(*given, "--weight_bearing=1")
    assert result.returncode == 1 and "above 0 and below 1" in result.stderr
    assert not table.exists()


def test_processes_write_the_table_that_one_writes(run, knee, tmp_path):
    for name in ("a", "b"):
        save(tmp_path / "maps" / f"{name}.nii.gz", knee)
    given = (f"--input={tmp_path / 'maps'}", FLAG)
    one, two = tmp_path / "one.csv", tmp_path / "two.csv"
    assert run(*given, f"--output={one}").returncode == 0
    result = run(*given, f"--output={two}", "--num_workers=2")
    assert result.returncode == 0, result.stderr
    assert "[2 of 2] " in result.stdout
    expected = sorted(one.read_text(encoding="utf-8").splitlines())
    assert sorted(two.read_text(encoding="utf-8").splitlines()) == expected

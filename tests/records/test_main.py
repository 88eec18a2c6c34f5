"""The command line."""

import dataclasses
import pathlib
import subprocess
import sys

import nibabel as nib
import numpy as np
import pytest

from records import __main__ as cli
from records import manifest
from records.datasets import DATASETS
from records.settings import lengths, setting

ROOT = pathlib.Path(__file__).parents[2]


@pytest.fixture
def run(monkeypatch):
    """Runs a command line in this process."""

    def run(*arguments):
        # Put back after the test, whatever the command sets.
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
        monkeypatch.setenv("TF_CPP_MIN_LOG_LEVEL", "2")
        return cli.run(cli.parse_flags(["records", *map(str, arguments)]))

    return run


@pytest.fixture
def scans(make_volume, make_label, save_nifti, tmp_path):
    for n in range(6):
        image = make_volume(seed=n)
        save_nifti(tmp_path / "scans" / f"p{n // 2}_{n % 2}.nii.gz", image)
        save_nifti(tmp_path / "labels" / f"p{n // 2}_{n % 2}.nii.gz", make_label(image))
    return tmp_path / "scans"


def test_convert_says_what_became_of_the_files(run, scans, tmp_path, capsys):
    (scans / "notes.txt").write_text("left knees")
    convert = ["convert", "--dataset=folder", f"--source={scans}", "--num_shards=1"]
    assert run(*convert, f"--output={tmp_path / 'out'}") == 0
    line = f"{scans}/: 7 files: 6 scans (6 NIfTI); also 1 .txt"
    assert capsys.readouterr().out.splitlines()[0] == line
    (scans / "p0_0.nii.gz").unlink()
    (scans / "p0_0.nii.gz").symlink_to("../annex/p0_0.nii.gz")
    with pytest.raises(ValueError, match=r"p0_0.nii.gz is a link to \.\./annex/p0_0"):
        run(*convert, f"--output={tmp_path / 'more'}")


def test_a_dataset_of_one_line_has_its_flags(monkeypatch, capsys):
    @dataclasses.dataclass(frozen=True)
    class Toy:
        source: str = setting("DIR", "toy scans")
        slices: tuple = setting("N,N,N", "toy slices", parse=lengths, default=None)

    monkeypatch.setitem(DATASETS, "toy", Toy)
    command = ["records", "convert", "--dataset=toy", "--output=b"]
    flags = cli.parse_flags([*command, "--source=a", "--slices=1,2,3"])
    assert (flags.source, flags.slices) == ("a", (1.0, 2.0, 3.0))
    for arguments, message in [
        ([], "--dataset=toy needs --source"),
        (["--source=a", "--echo=1"], "--echo belongs to --dataset=folder"),
        (["--source=a", "--slices=1"], "three numbers above 0"),
        (["--help"], "with --dataset=toy:"),
    ]:
        with pytest.raises(SystemExit):
            cli.parse_flags([*command, *arguments])
        assert message in "".join(capsys.readouterr())


def test_flags_of_the_datasets_reach_them():
    flags = cli.parse_flags(
        [
            *("records", "convert", "--dataset=oai", "--source=a", "--output=b"),
            *("--series_descriptions=X_LEFT, X_RIGHT", "--slice_order=right_to_left"),
            "--split=published",
        ]
    )
    assert flags.series_descriptions == ("X_LEFT", "X_RIGHT")
    assert (flags.slice_order, flags.split) == ("right_to_left", "published")
    command = ["records", "convert", "--dataset=folder", "--source=a", "--output=b"]
    assert cli.parse_flags(command).ignore_label_affines is None
    command.append("--ignore_label_affines")
    assert cli.parse_flags(command).ignore_label_affines is True


def test_convert_verify_and_inspect(run, scans, tmp_path, capsys):
    output = tmp_path / "records"
    options = [f"--source={scans}", f"--labels={tmp_path / 'labels'}", "--seed=4"]
    options += ["--label_names=3=patella, 1=femur,2=tibia"]
    options += ["--person_pattern=^(?P<person>p.)", "--split=34,33,33"]
    options += ["--num_shards=2", "--num_workers=1", "--compression=gzip"]
    assert run("convert", "--dataset=folder", f"--output={output}", *options) == 0
    expected = "6 shards; subjects: train 2, validation 2, test 2"
    assert expected in capsys.readouterr().out
    made = manifest.load(output)
    assert made.recipe["seed"] == 4
    assert made.recipe["settings"]["person_pattern"] == "^(?P<person>p.)"
    assert made.label_names == {1: "femur", 2: "tibia", 3: "patella"}
    assert {e.person for e in made.subjects("train")} < {"p0", "p1", "p2"}
    assert run("verify", f"--records={output}") == 0
    assert "no problems found" in capsys.readouterr().out
    assert run("inspect", f"--records={output}") == 0
    out = capsys.readouterr().out
    assert "6 subjects (train 2, validation 2, test 2)" in out
    assert "label maps: train 2 of 2, validation 2 of 2, test 2 of 2" in out
    # make_label draws the same labels for every scan of this shape; numpy.unique.
    labels = nib.load(tmp_path / "labels" / "p0_0.nii.gz").get_fdata()
    values, counts = np.unique(labels, return_counts=True)
    (row,) = [line.split() for line in out.splitlines() if line.startswith("2 ")]
    assert row[:5] == ["2", "tibia", "6", "of", "6"]
    assert int(row[5]) == 6 * dict(zip(values, counts, strict=True))[2]
    # The PNG signature (ISO/IEC 15948).
    assert (output / "contact_sheet.png").read_bytes()[:8] == b"\x89PNG\r\n\x1a\n"
    assert run("verify", f"--records={output}") == 0


def test_a_table_of_labels_is_shown_only_where_there_are_any(
    run, scans, tmp_path, capsys
):
    output = tmp_path / "records"
    options = [f"--source={scans}", f"--output={output}", "--num_workers=1"]
    assert run("convert", "--dataset=folder", *options) == 0
    capsys.readouterr()
    assert run("inspect", f"--records={output}", "--max_subjects=1") == 0
    out = capsys.readouterr().out
    assert "label maps: train 0 of 4, validation 0 of 1, test 0 of 1" in out
    assert "mm3" not in out
    assert "contact sheet of 1 subjects" in out


def test_label_maps_and_their_names_belong_together(run, scans, tmp_path):
    options = ["convert", "--dataset=folder", f"--source={scans}", "--num_workers=1"]
    options += [f"--output={tmp_path / 'records'}"]
    with pytest.raises(
        ValueError, match=r"--labels needs --label_names, .*_names='1=femoral cart"
    ):
        run(*options, f"--labels={tmp_path / 'labels'}")
    with pytest.raises(ValueError, match="give their folder as --labels, or leave"):
        run(*options, "--label_names=1=femur")
    assert not (tmp_path / "records").exists()


def test_a_label_without_a_name_ends_the_conversion(run, scans, tmp_path):
    options = ["convert", "--dataset=folder", f"--source={scans}", "--num_workers=1"]
    options += [f"--output={tmp_path / 'records'}", f"--labels={tmp_path / 'labels'}"]
    with pytest.raises(
        ValueError,
        match=r"Subject 'p._.' \(p._..nii.gz\): label map p._..nii.gz: .* holds "
        r"values without a name: 2 \(\d+ voxels\), 3 \(\d+ voxels\); named are: 1=a",
    ):
        run(*options, "--label_names=1=a")
    assert not (tmp_path / "records").exists()
    assert run(*options, "--label_names=1=a,2=b,3=c") == 0


def test_verify_fails_on_damage(run, records_dir, capsys):
    (records_dir / "test-00000-of-00001.tfrecord").unlink()
    assert run("verify", f"--records={records_dir}") == 1
    out = capsys.readouterr().out
    assert "problem: test-00000-of-00001.tfrecord is missing." in out
    assert ": 1 problem found" in out


def test_phantoms(run, tmp_path):
    options = ["--num_subjects=3", "--num_workers=1", f"--output={tmp_path}"]
    options += ["--phantom_shape=20,24,12", "--phantom_spacing_mm=1,1.25,1.5"]
    assert run("convert", "--dataset=phantom", *options) == 0
    (entry,) = manifest.load(tmp_path).subjects("test")
    assert entry.spacing_mm == pytest.approx((1.25, 1, 1.5))
    assert entry.shape == (24, 20, 12)
    assert manifest.load(tmp_path).label_names[1] == "femoral cartilage"


def test_an_error_is_one_line(tmp_path):
    arguments = [sys.executable, "-m", "records", "verify", f"--records={tmp_path}"]
    result = subprocess.run(arguments, cwd=ROOT, capture_output=True, text=True)
    assert result.returncode == 1
    # TensorFlow may have had its say before.
    last = result.stderr.splitlines()[-1]
    assert last.startswith(f"error: {tmp_path}/manifest.json does not exist")


def test_a_table_with_splits_and_percentages_are_refused_together(run, scans, tmp_path):
    table = tmp_path / "persons.csv"
    lines = [f"p{n // 2}_{n % 2},p{n // 2},test" for n in range(6)]
    table.write_text("\n".join(["subject,person,split", *lines]))
    options = [f"--source={scans}", f"--persons={table}", f"--output={tmp_path / 'r'}"]
    options += ["--dataset=folder", "--num_workers=1"]
    with pytest.raises(ValueError, match="bring splits of their own"):
        run("convert", *options, "--split=70,20,10")
    assert run("convert", *options) == 0
    made = manifest.load(tmp_path / "r")
    assert made.counts["test"] == 6
    assert made.recipe["split"] is None


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "required: COMMAND"),
        (["make"], "invalid choice: 'make'"),
        (["verify"], "required: --records"),
        (["verify", "--records=a", "--fast"], "unrecognized arguments: --fast"),
        (["convert", "--dataset=folder", "--output=a"], "folder needs --source"),
        (["convert", "--dataset=phantom", "--output=a"], "phantom needs --num_subj"),
        (["convert", "--dataset=fmri", "--output=a"], "invalid choice: 'fmri'"),
        (
            [
                "convert",
                "--dataset=phantom",
                "--output=a",
                "--num_subjects=1",
                "--echo=1",
            ],
            "--echo belongs to --dataset=folder",
        ),
        (["convert", "--num_workers=0"], "expected 1, 2, 3, ...; got '0'"),
        (["convert", "--num_shards=many"], "expected 1, 2, 3, ...; got 'many'"),
        (["convert", "--split=70,30"], "three percentages such as 70,20,10, or publis"),
        (["convert", "--split=paper"], "three percentages such as 70,20,10, or publis"),
        (["convert", "--dataset=oai", "--output=a"], "oai needs --source"),
        (["convert", "--dataset=iwoai", "--output=a"], "iwoai needs --source"),
        (
            [
                *("convert", "--dataset=iwoai", "--output=a", "--source=b"),
                "--labels=c",
            ],
            "--labels belongs to --dataset=folder or --dataset=oai",
        ),
        (["convert", "--series_descriptions=a,,b"], "texts with commas between"),
        (["convert", "--phantom_shape=1,2"], "three numbers above 0"),
        (["convert", "--phantom_spacing_mm=1,2,0"], "three numbers above 0"),
        (["convert", "--phantom_spacing_mm=1,2,nan"], "three numbers above 0"),
        (["convert", "--label_names=femur"], "VALUE=NAME with commas between, each"),
        (["convert", "--label_names=0=air"], "1 to 255 (0 is background); got '0=air'"),
        (["convert", "--label_names="], "VALUE=NAME with commas between, each"),
        (
            [
                "convert",
                "--dataset=phantom",
                "--output=a",
                "--num_subjects=1",
                "--label_names=1=femur",
            ],
            "--label_names belongs to --dataset=folder",
        ),
        (
            [
                *("convert", "--dataset=phantom", "--output=a", "--num_subjects=1"),
                *("--runner=beam", "--num_workers=2"),
            ],
            "--num_workers belongs to --runner=pool",
        ),
        (
            [
                *("convert", "--dataset=phantom", "--output=a", "--num_subjects=1"),
                "--beam_options=--direct_num_workers=2",
            ],
            "--beam_options belongs to --runner=beam",
        ),
        (["convert", "--runner=spark"], "invalid choice: 'spark'"),
        (["convert", "--compression=zip"], "invalid choice: 'zip'"),
    ],
)
def test_a_wrong_command_line_exits_with_2(run, arguments, message, capsys):
    with pytest.raises(SystemExit) as exit_:
        run(*arguments)
    assert exit_.value.code == 2
    assert message in capsys.readouterr().err


@pytest.mark.parametrize("command", ["", "convert", "verify", "inspect"])
def test_help_does_not_import_tensorflow(command):
    script = (
        "import runpy, sys, atexit\n"
        "atexit.register(lambda: print(sorted({'tensorflow', 'matplotlib', 'nibabel', "
        "'scipy', 'pydicom', 'h5py', 'apache_beam'} & set(sys.modules))))\n"
        "runpy.run_module('records', run_name='__main__', alter_sys=True)"
    )
    arguments = [sys.executable, "-c", script, *command.split(), "--help"]
    result = subprocess.run(arguments, cwd=ROOT, capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    assert f"usage: python -m records {command}".rstrip() in result.stdout
    assert result.stdout.splitlines()[-1] == "[]"

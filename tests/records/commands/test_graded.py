"""Grades from a table and from MRNet, by the command line alone."""

import numpy as np
import pytest

from records import __main__ as cli
from records import manifest


@pytest.fixture
def run(monkeypatch):
    def run(*arguments):
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")  # which a command sets
        return cli.run(cli.parse_flags(["records", *map(str, arguments)]))

    return run


def test_grades_of_a_table_are_dealt_evenly_and_shown(
    run, make_volume, save_nifti, tmp_path, capsys
):
    rows = ["subject,acl"]
    for n in range(12):
        image = make_volume(seed=n)
        save_nifti(tmp_path / "scans" / f"p{n // 2:02d}_{n % 2}.nii.gz", image)
        rows.append(f"p{n // 2:02d}_{n % 2},{int(n < 4)}")
    (tmp_path / "grades.csv").write_text("\n".join(rows))
    convert = ["convert", "--dataset=folder", f"--source={tmp_path / 'scans'}"]
    convert += [f"--grades={tmp_path / 'grades.csv'}", "--num_workers=1"]
    convert += ["--person_pattern=^(?P<person>p..)", "--split=50,50,0"]
    output = tmp_path / "records"
    assert run(*convert, "--stratify=acl", f"--output={output}") == 0
    assert manifest.load(str(output)).recipe["stratify"] == ["acl"]
    capsys.readouterr()
    assert run("inspect", f"--records={output}") == 0
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    # Six persons of two scans each: two have torn ligaments, three are in each split.
    assert ["acl", "0", "4", "4", "0"] in lines
    assert ["acl", "1", "2", "2", "0"] in lines
    with pytest.raises(ValueError, match=r"stratify was \['acl'\], is None"):
        run(*convert, f"--output={output}")
    with pytest.raises(ValueError, match="a grade 'kl'; the grades are: acl"):
        run(*convert, "--stratify=acl,kl", f"--output={tmp_path / 'more'}")


def test_mrnet(run, tmp_path, capsys):
    root, output = tmp_path / "mrnet", tmp_path / "records"
    rng = np.random.default_rng(0)
    for folder, exams in {"train": "1234", "valid": "56"}.items():
        (root / folder / "axial").mkdir(parents=True)
        for exam in exams:
            array = rng.integers(0, 256, (1, 256, 256), np.uint8)
            np.save(root / folder / "axial" / f"000{exam}.npy", array)
        for label in ("abnormal", "acl", "meniscus"):
            rows = [f"000{exam},{int(exam in '125')}" for exam in exams]
            (root / f"{folder}-{label}.csv").write_text("\n".join(rows))
    (root / "train" / "axial" / "0003.npy").write_bytes(b"\x93NUMPY")
    options = ["--dataset=mrnet", f"--source={root}", "--num_workers=1"]
    options += ["--split=50,50,0", "--stratify=acl", f"--output={output}"]
    with pytest.raises(ValueError, match=r"'0003_axial' \(train/axial/0003.npy\): "):
        run("convert", *options)
    assert run("convert", *options, "--leave_out_bad") == 0
    out = capsys.readouterr().out
    assert "0.625 x 0.625 mm, slices every 4 mm is nominal" in out
    assert "scalars: abnormal, acl, meniscus, series" in out
    made = manifest.load(str(output))
    assert made.grades["acl"][1] == {"train": 1, "validation": 1, "test": 1}
    assert [problem.subject for problem in made.left_out] == ["0003_axial"]
    assert run("verify", f"--records={output}") == 0

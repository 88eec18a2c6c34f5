"""Thousands of label maps into one table: stubs in place of knees."""

import concurrent.futures
import csv
import dataclasses
import os
import pathlib
import signal
import subprocess
import sys
import time

import pytest
from world import stub_measures

from deepresolve.prediction import measuring, scan_tables
from deepresolve.prediction.measured_map import KNEES, TABLE, Result, Settings, Work

WORK = Work(Settings({1: "femoral cartilage"}), measure=stub_measures.measure)
HERE = measuring.Processes()


@pytest.fixture
def folder(tmp_path):
    """Makes label maps by their names and texts; gives their folder."""

    def make(texts):
        root = tmp_path / "maps"
        root.mkdir(exist_ok=True)
        for name, text in texts.items():
            (root / f"{name}.nii").write_text(text)
        return root

    return make


def run(root, table, work=WORK, runner=HERE):
    """Measures what is in a folder; the results by name."""
    results = []
    names = work.settings.label_names
    tasks = measuring.plan(root, sorted(root.iterdir()), table, names)
    measuring.measure_all(work, tasks, table, runner, results.append)
    return {pathlib.Path(result.path).stem: result for result in results}


def lines(table):
    with table.open(encoding="utf-8", newline="") as file:
        return [(r["scan"], r["weight_bearing"]) for r in csv.DictReader(file)]


def test_two_thousand_knees_take_seconds(folder, tmp_path):
    names = [f"knee{n:04d}" for n in range(2000)]
    root, table = folder(dict.fromkeys(names, "1.5")), tmp_path / "t.csv"
    start = time.process_time()
    found = run(root, table)
    # Written anew for each knee, the table takes five minutes.
    assert time.process_time() - start < 30
    assert list(found) == names
    assert sorted(lines(table)) == sorted([(n, "1.5") for n in names for _ in "FT"])
    # All over again: nothing to do.
    before = table.stat().st_mtime_ns
    assert all(result.passed_over for result in run(root, table).values())
    assert table.stat().st_mtime_ns == before


def test_a_bad_map_among_good_ones(folder, tmp_path):
    root, table = folder({"a": "1", "b": "bad", "c": "odd", "d": "4"}), tmp_path / "t"
    found = run(root, table)
    assert [name for name, result in found.items() if result.failed] == ["b", "c"]
    assert found["b"].message == "could not convert string to float: 'bad'"
    assert found["c"].message == "unexpected KeyError: 'odd'. Please report it."
    assert found["d"].message == "measured 4"
    assert found["d"].notes == (f"{root / 'd.nii'}: is a stub",)
    knees = scan_tables.read(measuring.knees_table(table), KNEES)
    assert [row[:2] for row in knees] == [("a", "left"), ("d", "left")]
    assert {name for name, _ in lines(table)} == {"a", "d"}
    # Mended, they alone are measured.
    folder({"b": "2", "c": "3"})
    again = run(root, table)
    assert [name for name, r in again.items() if not r.passed_over] == ["b", "c"]
    assert {name for name, _ in lines(table)} == {"a", "b", "c", "d"}


def test_other_files_settings_and_versions_are_measured_again(
    folder, tmp_path, monkeypatch
):
    root, table = folder({"a": "1", "b": "2"}), tmp_path / "t.csv"
    run(root, table)
    folder({"b": "2.5"})
    assert [r.passed_over for r in run(root, table).values()] == [True, False]
    assert lines(table) == [*[("a", "1.0")] * 2, *[("b", "2.5")] * 2]
    for settings in (Settings({1: "femur"}), Settings({1: "femur"}, 0.75)):
        other = dataclasses.replace(WORK, settings=settings)
        assert not any(r.passed_over for r in run(root, table, other).values())
        assert all(r.passed_over for r in run(root, table, other).values())
    monkeypatch.setattr("deepresolve.prediction.measured_map.__version__", "99")
    assert not any(r.passed_over for r in run(root, table, other).values())
    assert len(lines(table)) == 4


def test_knees_of_which_the_second_table_lacks_are_measured_again(folder, tmp_path):
    root, table = folder({"a": "1", "b": "2"}), tmp_path / "t.csv"
    run(root, table)
    knees = measuring.knees_table(table)
    kept = [row for row in scan_tables.read(knees, KNEES) if row[0] == "a"]
    knees.write_text(scan_tables.to_csv(KNEES, kept))
    assert [r.passed_over for r in run(root, table).values()] == [True, False]
    assert [row[0] for row in scan_tables.read(knees, KNEES)] == ["a", "b"]
    knees.write_text("patient,remark\n")
    with pytest.raises(ValueError, match=r"t_knees\.csv is no table of measured knees"):
        run(root, table)


def test_lines_of_a_map_that_is_bad_now_stay_and_that_is_told(folder, tmp_path):
    root, table = folder({"a": "1"}), tmp_path / "t.csv"
    run(root, table)
    folder({"a": "bad"})
    found = run(root, table)["a"]
    assert found.failed
    assert found.message.endswith("'bad' Its older lines stay in the table.")
    assert lines(table) == [("a", "1.0")] * 2


def test_processes_measure_the_same(folder, tmp_path):
    texts = {f"knee{n}": str(n) for n in range(6)} | {"bad": "bad"}
    root = folder(texts)
    expected = run(root, tmp_path / "here.csv")
    found = run(root, tmp_path / "there.csv", runner=measuring.Processes(2))
    # As text: NaN is equal to no NaN.
    assert {n: repr(r) for n, r in found.items()} == {
        n: repr(r) for n, r in expected.items()
    }
    here, there = (lines(tmp_path / f"{name}.csv") for name in ("here", "there"))
    assert sorted(there) == here


def test_beam_measures_the_same(folder, tmp_path):
    pytest.importorskip("apache_beam", reason="Apache Beam is not installed")
    root = folder({"a": "1", "b": "bad", "c": "3"})
    expected = run(root, tmp_path / "here.csv")
    found = run(root, tmp_path / "there.csv", runner=measuring.Beam())
    assert {name: r.message for name, r in found.items()} == {
        name: r.message for name, r in expected.items()
    }
    assert lines(tmp_path / "there.csv") == lines(tmp_path / "here.csv")
    assert sorted(p.name for p in tmp_path.iterdir() if p.is_dir()) == ["maps"]


# A cohort by itself, as a command works through it.
SCRIPT = """
import dataclasses, pathlib, sys
tests = pathlib.Path(sys.argv[3])
sys.path[:0] = [str(tests), str(tests.parent)]
import test_measuring as own
from deepresolve.system import interruption
interruption.raise_on_sigterm()
work = dataclasses.replace(own.WORK, measure=own.stub_measures.slowly)
own.run(pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2]), work)
"""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_an_ended_command_leaves_a_whole_table_and_is_gone_on_with(
    folder, tmp_path, number
):
    names = [f"knee{n:03d}" for n in range(1000)]  # 100 s of work
    root, table = folder(dict.fromkeys(names, "1")), tmp_path / "t.csv"
    command = [sys.executable, "-c", SCRIPT, root, table, pathlib.Path(__file__).parent]
    with subprocess.Popen(command) as process:
        while not table.exists():
            assert process.poll() is None
            time.sleep(0.02)
        time.sleep(1)
        os.kill(process.pid, number)
    assert process.returncode != 0
    done = len(lines(table)) // 2
    assert 1 <= done < 1000
    # Each knee that is there is there whole: read by the reader that checks.
    assert len(scan_tables.read(table, TABLE)) == 2 * done
    found = run(root, table)
    assert [r.passed_over for r in found.values()] == [n < done for n in range(1000)]
    assert lines(table) == [(name, "1.0") for name in names for _ in "FT"]


def test_two_side_by_side_lose_no_line(folder, tmp_path):
    table = tmp_path / "t.csv"
    roots = []
    for half in ("left", "right"):
        root = folder({f"{half}{n}": "1" for n in range(15)})
        roots.append(root.rename(tmp_path / half))
    work = dataclasses.replace(WORK, measure=stub_measures.slowly)
    with concurrent.futures.ThreadPoolExecutor() as threads:
        both = threads.map(lambda root: run(root, table, work), roots)
        assert [len(results) for results in both] == [15, 15]
    expected = [f"{half}{n}" for half in ("left", "right") for n in range(15)]
    assert sorted(lines(table)) == sorted([(n, "1.0") for n in expected for _ in "FT"])


def test_what_ends_the_work_is_raised_after_the_table_is_written(folder, tmp_path):
    root, table = folder({"a": "1", "b": "2"}), tmp_path / "t.csv"

    class Killed:
        def run(self, work, tasks, scratch):
            yield work(tasks[0])
            yield work(tasks[1])
            raise ChildProcessError("a worker was killed")

    with pytest.raises(ChildProcessError, match="a worker was killed"):
        run(root, table, runner=Killed())
    assert {name for name, _ in lines(table)} == {"a", "b"}


def test_two_maps_of_one_name_and_another_table_are_refused(folder, tmp_path):
    root = folder({"a": "1"})
    (root / "a.nii.gz").write_text("1")
    with pytest.raises(ValueError, match="Two label maps are named 'a'"):
        run(root, tmp_path / "t.csv")
    (tmp_path / "t.csv").write_text("side\nleft\n")
    with pytest.raises(ValueError, match="is no table of cartilage"):
        run(root, tmp_path / "t.csv")


def test_a_result_without_words_is_one_that_was_passed_over():
    assert Result("a.nii").passed_over
    assert not Result("a.nii", "measured").passed_over


def test_workers_need_no_tensorflow():
    script = (
        "import sys, deepresolve.prediction.measured_map, deepresolve.system.pool\n"
        "sys.exit('tensorflow' in sys.modules or 'keras' in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", script], check=True)

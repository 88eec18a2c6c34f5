"""`deepresolve reading analyse` as its user runs it."""


def test_analyse_prints_what_it_wrote(run_script, scripted_study, tmp_path):
    folder = scripted_study(lambda *_: {"diq": 3, "rank": 2}, num_cases=2)
    output = tmp_path / "new"
    done = run_script(
        "deepresolve", "reading", "analyse", f"--study={folder}", f"--output={output}"
    )
    assert done.returncode == 0, done.stderr
    names = {"answers.csv", "report.html", "report.json", "report.md", "scores.png"}
    assert {path.name for path in output.iterdir()} == names
    assert done.stdout.split() == [
        str(output / name)
        for name in (
            "report.html",
            "report.md",
            "report.json",
            "answers.csv",
            "scores.png",
        )
    ]


def test_a_folder_that_is_no_study_is_one_line(run_script, tmp_path):
    done = run_script(
        "deepresolve",
        "reading",
        "analyse",
        f"--study={tmp_path}",
        f"--output={tmp_path}",
    )
    assert done.returncode == 1
    assert "error: " in done.stderr
    assert "study.json: there is no such file" in done.stderr
    assert "Traceback" not in done.stderr

import json


def test_every_share_is_measured(run_script, tmp_path):
    done = run_script(
        "benchmarks/reader_study.py", f"--output={tmp_path}", "--num_studies=1"
    )
    assert done.returncode == 0, done.stderr
    content = json.loads((tmp_path / "reader_study.json").read_text(encoding="utf-8"))
    assert content["num_studies"] == 1
    kinds = [(row["what"], row["true_difference"]) for row in content["rows"]]
    assert kinds[:4] == [
        ("marks", 0),
        ("marks", 0.3),
        ("marks", 0.6),
        ("coverage", None),
    ]
    assert len(kinds) == len(done.stdout.splitlines()) == 8
    assert all(0 <= row["share"] <= 1 for row in content["rows"])

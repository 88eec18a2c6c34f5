"""What scripted readers truly think is found."""

import csv
import io
import json
import pathlib
import re
import sqlite3

import numpy as np
import pytest
from scipy import stats

from deepresolve.evaluation.supplement import Scale
from deepresolve.metrics import statistics
from deepresolve.reading import study
from deepresolve.reading.analysis import paired_tests, score_figure, scores
from deepresolve.reading.analysis.analyse import write_report
from deepresolve.reading.study import unblinding
from deepresolve.reading.study.questions import DEFAULT, Question

QUALITY = {"ground_truth": 4, "sr": 3, "tci": 2}


def true_preference(reader, case, repeat, image_set):
    """Ground truth above SR above TCI; ann is stricter, every fourth case is poor."""
    value = QUALITY[image_set] - (reader == "ann") + (case % 4 != 0)
    return {"diq": value, "rank": QUALITY[image_set] - 1}


def marks_of(report):
    return {
        (t["metric"], t["a"], t["b"]) for t in report["tests"] if t["p_holm"] < 0.05
    }


def report_of(folder):
    return json.loads((folder / "report.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def analysed(scripted_study, tmp_path_factory):
    """Folder of the study and of its report: two readers, twice, one left open."""
    folder = scripted_study(
        true_preference,
        num_cases=8,
        repeats=2,
        questions=(*DEFAULT[:2], DEFAULT[-1]),
        of_case=lambda _, case: {"remarks": "blurred | here"} if case == 1 else {},
        locked=lambda *at: at != ("bob", 3, 1),
    )
    output = tmp_path_factory.mktemp("analysis") / "new"
    return folder, output, write_report(folder, output)


def test_a_true_preference_is_found(analysed):
    report = report_of(analysed[1])
    pairs = [("sr", "tci"), ("sr", "ground_truth"), ("tci", "ground_truth")]
    assert marks_of(report) == {(q, *pair) for q in ("diq", "rank") for pair in pairs}
    means = {(r["metric"], r["image_set"]): r for r in report["rows"]}
    # Of 8 cases 2 are poor: 3 + 6/8, one less for ann.
    assert means["diq", "sr"]["mean"] == pytest.approx(3.75 - 0.5)
    cases = [2.5] * 2 + [3.5] * 6
    assert means["diq", "sr"]["sd"] == pytest.approx(np.std(cases, ddof=1))
    assert {r["n"] for r in means.values()} == {8}
    assert [means["rank", s]["mean"] for s in QUALITY] == [3, 2, 1]


def test_files_of_a_report(analysed):
    _, output, paths = analysed
    names = ["answers.csv", "report.html", "report.json", "report.md", "scores.png"]
    assert sorted(path.name for path in output.iterdir()) == names
    assert sorted(paths) == [output / name for name in names]
    text = (output / "report.md").read_text(encoding="utf-8")
    assert "4.25 ± 0.46 | 3.25 ± 0.46 †* | 2.25 ± 0.46" in re.sub(" +", " ", text)
    assert "31 of 32 presentations are locked; the answers to the other 1" in text
    page = (output / "report.html").read_text(encoding="utf-8")
    assert "Knees | of &lt;1&gt; &amp; 2" in page
    assert not re.search(r"https?://", page)
    assert "NaN" not in (output / "report.json").read_text(encoding="utf-8")


def test_every_answer_is_in_the_table_of_answers(analysed):
    _, output, _ = analysed
    with (output / "answers.csv").open(encoding="utf-8", newline="") as file:
        lines = list(csv.DictReader(file))
    # 32 presentations of 3 images and 2 questions; remarks of case 1.
    assert len(lines) == 32 * 3 * 2 + 4
    for line in lines:
        if line["question"] == "remarks":
            assert (line["place"], line["image_set"]) == ("-1", "")
            assert line["value"] == "blurred | here"
            continue
        at = line["reader"], int(line["case"][5:]), int(line["repeat"])
        assert line["value"] == str(
            true_preference(*at, line["image_set"])[line["question"]]
        )
        assert line["answered_at"].endswith("+00:00")
        assert (line["locked_at"] == "") == (at == ("bob", 3, 1))
    places = {(line["image_set"], line["place"]) for line in lines}
    assert len(places) == 9 + 1  # each set at each place, so the key was needed


def test_wilcoxon_equals_scipys_on_the_same_answers(scripted_study, tmp_path):
    random = np.random.default_rng(0)
    given = {
        (reader, case, repeat, image_set): int(random.integers(1, 6))
        for reader in ("ann", "bob")
        for case in range(24)
        for repeat in range(2)
        for image_set in ("sr", "tci")
    }
    folder = scripted_study(
        lambda *at: {"diq": given[at]},
        num_cases=24,
        repeats=2,
        image_sets=("sr", "tci"),
        questions=(Question("diq", "Quality"),),
    )
    write_report(folder, tmp_path)
    (test,) = report_of(tmp_path)["tests"]
    # Sums instead of means of four: whole numbers, so that ties are ties.
    differences = np.zeros(24)
    for (_, case, _, image_set), value in given.items():
        differences[case] += value if image_set == "sr" else -value
    expected = stats.wilcoxon(differences[differences != 0])
    assert test["statistic"] == expected.statistic
    # The report keeps six digits of both.
    assert test["p"] == pytest.approx(expected.pvalue, rel=5e-6)
    mean = differences.mean() / 4
    assert test["mean_difference"] == pytest.approx(mean, rel=5e-6)
    assert test["n"] == 24  # cases, not readings


def test_readers_and_repeats_weigh_the_same(scripted_study):
    """bob has locked one of his two repeats: he still counts half."""
    values = {("ann", 0): 1, ("ann", 1): 2, ("bob", 0): 5, ("bob", 1): 1}
    folder = scripted_study(
        lambda reader, case, repeat, image_set: {"diq": values[reader, repeat]},
        num_cases=1,
        repeats=2,
        questions=(Question("diq", "Quality"),),
        locked=lambda reader, case, repeat: (reader, repeat) != ("bob", 1),
    )
    loaded = scores.load(folder)
    assert loaded.values["diq", "sr"] == {"knee-0": (1.5 + 5) / 2}
    assert loaded.facts["presentations"].startswith("3 of 4 locked")


def test_what_lacks_an_answer_is_left_out_and_counted(scripted_study, tmp_path):
    def answer(reader, case, repeat, image_set):
        given = true_preference(reader, case, repeat, image_set)
        if (reader, case, image_set) == ("ann", 2, "tci"):
            del given["diq"]
        return given

    folder = scripted_study(answer, readers=("ann",), num_cases=5)
    loaded = scores.load(folder)
    assert {name: loaded.num_cases(name) for name in ("diq", "rank")} == {
        "diq": 4,
        "rank": 5,
    }
    assert loaded.facts["left_out_as_incomplete"] == "diq: 1"
    write_report(folder, tmp_path)
    text = (tmp_path / "report.md").read_text(encoding="utf-8")
    assert "There is one reader: nobody to agree with." in text
    assert "No case was read twice: nobody to agree with." in text
    assert re.search(r"\| ann +\| +5 \| +5 \| +0 \| +1 \|", text)
    assert "Too few cases for a mark (readers, sr against tci)" in text


def test_answers_all_alike_have_no_agreement_and_no_mark(scripted_study, tmp_path):
    folder = scripted_study(
        lambda *_: {"diq": 3}, repeats=2, questions=(Question("diq", "Quality"),)
    )
    write_report(folder, tmp_path)
    report = report_of(tmp_path)
    assert marks_of(report) == set()
    assert {test["p"] for test in report["tests"]} == {1.0}
    for row in report["agreement"]:
        assert row["exact"] == 1
        assert row["icc_single"]["value"] is row["kappa_linear"]["value"] is None
    text = (tmp_path / "report.md").read_text(encoding="utf-8")
    assert text.count("not defined") >= 4 * len(report["agreement"])
    assert "nan" not in text


def test_agreement_says_who_agrees_with_whom(scripted_study, tmp_path):
    """ann and bob are one; eve answers the opposite; only bob repeats himself."""
    values = np.random.default_rng(4).integers(1, 6, (9, 2))

    def answer(reader, case, repeat, image_set):
        own = values[case, repeat if reader != "bob" else 0]
        return {"diq": 6 - own if reader == "eve" else own}

    folder = scripted_study(
        answer,
        readers=("ann", "bob", "eve"),
        num_cases=9,
        repeats=2,
        questions=(Question("diq", "Quality"),),
    )
    write_report(folder, tmp_path)
    rows = {r["raters"]: r for r in report_of(tmp_path)["agreement"]}
    assert list(rows) == [
        "ann - bob",
        "ann - eve",
        "bob - eve",
        "all 3",
        "ann",
        "bob",
        "eve",
    ]
    assert rows["ann - bob"]["kappa_linear"]["value"] == 1
    assert rows["ann - eve"]["kappa_quadratic"]["value"] < 0
    assert rows["all 3"]["kappa_linear"] is None
    assert rows["bob"]["icc_single"]["value"] == 1
    assert rows["ann"]["icc_single"]["value"] < 0.9
    assert (rows["ann"]["n"], rows["ann"]["num_cases"]) == (27, 9)


def test_a_question_has_its_own_range(scripted_study, tmp_path):
    folder = scripted_study(
        lambda reader, case, repeat, image_set: {"noise": case},
        questions=(Question("noise", "Noise", lowest=0, highest=9),),
    )
    write_report(folder, tmp_path)
    assert "Noise, 0 to 9" in (tmp_path / "report.md").read_text(encoding="utf-8")


def test_scores_of_the_whole_case_have_a_column(scripted_study, tmp_path):
    folder = scripted_study(
        lambda *at: {"diq": 3},
        questions=(
            Question("diq", "Quality"),
            Question("artefact", "Artefact", scope="case"),
        ),
        of_case=lambda reader, case: {"artefact": 1 + case % 3},
    )
    write_report(folder, tmp_path)
    text = re.sub(" +", " ", (tmp_path / "report.md").read_text(encoding="utf-8"))
    assert "| Artefact, 1 to 5 | 6 | n/a | n/a | n/a | 2.00 ± 0.89 |" in text
    rows = report_of(tmp_path)["agreement"]
    (artefact,) = [row for row in rows if row["question"] == "artefact"]
    assert (artefact["n"], artefact["icc_single"]["value"]) == (6, 1)


def test_nothing_locked_is_told(scripted_study, tmp_path):
    folder = scripted_study(true_preference, num_cases=2, locked=lambda *_: False)
    with pytest.raises(ValueError, match="no reader has locked a case yet; 24 answers"):
        write_report(folder, tmp_path / "new")
    assert not (tmp_path / "new").exists()


def test_a_changed_key_is_an_error(scripted_study, tmp_path):
    folder = scripted_study(true_preference, num_cases=2)
    key = folder / study.SEALED_FOLDER / study.KEY_FILE
    text = key.read_text(encoding="utf-8")
    key.write_text(text.replace("sr", "xx").replace("tci", "sr").replace("xx", "tci"))
    with pytest.raises(ValueError, match=r"key\.json: its SHA-256 is"):
        write_report(folder, tmp_path)
    assert not list(pathlib.Path(tmp_path).iterdir())


@pytest.mark.parametrize(
    ("reader", "place", "question", "value", "message"),
    [
        ("ann", 0, "diq", "7", "whole number from 1 to 5"),
        ("ann", 0, "diq", "nan", "whole number from 1 to 5"),
        ("ann", 3, "diq", "4", "not asked of that place"),
        ("ann", -1, "diq", "4", "not asked of that place"),
        ("ann", 0, "beauty", "4", "no question 'beauty'"),
        ("bob", 0, "diq", "4", "was not shown this presentation"),
    ],
)
def test_answers_that_belong_to_nothing_are_refused(
    scripted_study, tmp_path, reader, place, question, value, message
):
    folder = scripted_study(true_preference, num_cases=1)
    opened = study.Study.load(folder)
    first = opened.presentations("ann")[0].id
    base = sqlite3.connect(opened.answers.path)
    with base:
        base.execute(
            "INSERT OR REPLACE INTO answers VALUES (?, ?, ?, ?, ?, 'now')",
            (reader, first, place, question, value),
        )
    base.close()
    with pytest.raises(ValueError, match=message):
        write_report(folder, tmp_path / "new")


def test_without_a_difference_marks_are_as_rare_as_the_level_says(monkeypatch):
    """400 studies of 26 cases whose image sets are alike; two readers, twice.

    benchmarks/reader_study.py has smaller ones: SciPy's exact test takes its time.
    """
    nothing = np.nan, np.nan
    monkeypatch.setattr(statistics, "bootstrap_interval", lambda _: nothing)  # slow
    questions = (
        Scale("diq", "DIQ", 1, 5),
        Scale("rank", "Rank", 1, 3, is_rank=True),
    )
    random = np.random.default_rng(2026)
    marked = 0
    for _ in range(400):
        quality = random.normal(3.5, 0.7, (26, 1, 1)) + random.normal(
            0, 0.8, (26, 4, 2)
        )
        diq = np.clip(np.rint(quality), 1, 5).mean(axis=1)
        rank = random.permuted(np.tile([1, 2, 3], (26, 4, 1)), axis=2).mean(axis=1)
        values = {
            (name, image_set): dict(enumerate(given[:, n]))
            for name, given in (("diq", diq), ("rank", rank))
            for n, image_set in enumerate(("sr", "tci"))
        }
        tests = paired_tests.paired_tests(
            scores.ReaderScores(questions, ("sr", "tci"), values, {})
        )
        marked += any(test["p_holm"] < 0.05 for test in tests)
    # One correct test in a hundred fails so; the seed is fixed.
    assert 0 < marked <= stats.binom.ppf(0.99, 400, 0.05)


def test_a_spreadsheet_runs_nothing_that_readers_wrote():
    remarks = ("=HYPERLINK(1)", "+1", "-1", "@SUM(1)", "\t=1", "3 = 3", "2")
    readings = [
        unblinding.Reading("=ann", "knee", 0, -1, "", "remarks", remark, "at", "")
        for remark in remarks
    ]
    lines = list(csv.DictReader(io.StringIO(unblinding.to_csv(readings), newline="")))
    harmless = [f"'{remark}" for remark in remarks[:5]]
    assert [line["value"] for line in lines] == [*harmless, "3 = 3", "2"]
    assert {(line["reader"], line["place"]) for line in lines} == {("'=ann", "-1")}


def test_titles_of_any_kind_find_room_above_their_panels():
    titles = (
        "Costs $1 or $x^",
        "Sharpness of the cartilage's surface " * 5,
        "sharpness" * 22,
    )
    rated = [
        scores.QuestionRatings(Scale(str(n), t, 1, 5), {}, 0)
        for n, t in enumerate(titles)
    ]
    drawn = []
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(score_figure.drawing, "png", lambda f, **_: drawn.append(f))
        score_figure.draw(rated, ("ann $ and $ bob",))
    [figure] = drawn
    figure.canvas.draw()
    boxes = [axes.title.get_window_extent() for axes in figure.axes]
    assert boxes[0].x0 >= 0
    assert boxes[-1].x1 <= figure.bbox.x1
    assert boxes[0].x1 <= boxes[1].x0
    assert boxes[1].x1 <= boxes[2].x0

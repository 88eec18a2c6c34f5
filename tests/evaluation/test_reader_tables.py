import dataclasses
import json

import numpy as np
import pytest

from deepresolve.evaluation.reader_scores import (
    ReaderScores,
    ScoredQuestion,
    paired_tests,
)
from deepresolve.evaluation.table_1 import contents, report
from deepresolve.evaluation.table_1.analysis import analyse
from deepresolve.evaluation.table_1.tables import table_1
from deepresolve.reports import markdown

SETS = ("ground_truth", "sr", "tci")
FACTS = {"readers": "ann, bob", "presentations": "14 of 16 locked"}


def read(highest=5, num_cases=8):
    """SR two above TCI in every case; the ground truth is SR but for one case."""
    base = 1 + np.arange(num_cases) % 2
    truth = base + 2 + (np.arange(num_cases) == 0)
    given = {"ground_truth": truth, "sr": base + 2, "tci": base}
    ranks = {"ground_truth": [3, 2], "sr": [2, 3], "tci": [1, 1]}
    values = {}
    for name in SETS:
        cases = [f"knee-{n}" for n in range(num_cases)]
        values["diq", name] = dict(zip(cases, map(float, given[name]), strict=True))
        values["rank", name] = {
            c: float(ranks[name][n % 2]) for n, c in enumerate(cases)
        }
    questions = (
        ScoredQuestion("diq", "Diagnostic image quality", 1, highest),
        ScoredQuestion("rank", "Rank", 1, 3, is_rank=True),
    )
    return ReaderScores(questions, SETS, values, FACTS)


def lines_of(results, readers, tests=()):
    table = table_1(results, [], readers, tests)
    return [row for row in table.rows if row[0].startswith(("DIQ", "Rank", "as "))]


def published_by_sr(results):
    networks = dict(results.plan.networks)
    networks["sr"] = dataclasses.replace(networks["sr"], published=True)
    plan = dataclasses.replace(results.plan, networks=networks)
    return dataclasses.replace(results, plan=plan)


def test_readers_fill_their_rows_of_table_1(full_results):
    diq, rank = lines_of(full_results, read(), paired_tests(read()))
    # Four 3 and four 4: sample deviation 0.5 sqrt(8 / 7).
    assert diq == (
        *("DIQ (1 to 5), 8 cases", "3.62 ± 0.52", "3.50 ± 0.53 †", "1.50 ± 0.53"),
        "not read",  # Fourier interpolation was made, but not shown
    )
    assert rank[:2] == ("Rank (1 to 3, 3 best), 8 cases", "2.50 ± 0.53")


def test_cases_that_were_not_read_are_not_counted(full_results):
    assert lines_of(full_results, read(num_cases=5))[0][0] == "DIQ (1 to 5), 5 cases"


def test_published_scores_stand_below_those_of_the_same_scale(full_results):
    published = published_by_sr(full_results)
    rows = [r for r in lines_of(published, read()) if r[0].startswith("as")]
    # Abstract, Table 1, between pSNR and DSC.
    assert ("as published", "4.4 ± 0.5", "3.8 ± 0.8", "3.1 ± 1.0", "n/a") in rows
    assert ("as published", "2.8 ± 0.2", "2.1 ± 0.5", "1.1 ± 0.4", "n/a") in rows
    assert not any("4.4 ± 0.5" in row for row in lines_of(published, read(highest=7)))
    assert not any("4.4 ± 0.5" in row for row in lines_of(published, None))
    assert not any("4.4 ± 0.5" in row for row in lines_of(full_results, read()))


def test_one_question_alone_leaves_the_other_unread(full_results):
    scores = read()
    only = dataclasses.replace(
        scores,
        questions=scores.questions[:1],
        values={key: v for key, v in scores.values.items() if key[0] == "diq"},
    )
    assert lines_of(full_results, only)[1] == (
        "Rank (1 to 3, 3 best)",
        *["not read"] * 4,
    )


def test_the_report_tells_of_the_readers(full_results):
    analysis = analyse(full_results, read())
    text = markdown.render(contents.report(analysis, {}, {}))
    assert "Read blinded: 8 of the 8 scans, of 8 people." in text
    assert "- presentations: 14 of 16 locked" in text
    assert "* SR-CNN differs from the ground truth" in text
    assert "not independent" in text
    content = json.loads(report.to_json(analysis, {}))["readers"]
    assert content["facts"] == FACTS
    assert {(r["metric"], r["image_set"]) for r in content["rows"]} == {
        (q, s) for q in ("diq", "rank") for s in SETS
    }
    assert {t["family"] for t in content["tests"]} >= {"readers, sr against tci"}


def test_without_a_reader_study_there_is_nothing_of_it(full_analysis):
    assert json.loads(report.to_json(full_analysis, {}))["readers"] is None
    assert "Read blinded" not in markdown.render(contents.summary(full_analysis))


@pytest.mark.parametrize("num_cases", [1, 4])
def test_too_few_cases_are_told(full_results, num_cases):
    analysis = analyse(full_results, read(num_cases=num_cases))
    text = markdown.render(contents.summary(analysis))
    assert "Too few cases for a mark (readers, sr against tci)" in text
    assert "nan" not in text

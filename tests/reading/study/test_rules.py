import pytest

from deepresolve.reading.study import rules
from deepresolve.reading.study.answers import Answer


def answer(question, place, value):
    return {"question": question, "place": place, "value": value}


def held(*rows):
    return [Answer("anna", "p", place, name, value, "") for name, place, value in rows]


def test_answers_come_out_as_they_are_stored(study):
    body = {"answers": [answer("diq", 2, "4"), answer("remarks", -1, "fine")]}
    assert rules.given(study, body) == [(2, "diq", "4"), (-1, "remarks", "fine")]


def test_anything_else_is_refused(study):
    for rows in (
        [],
        {},
        None,
        [5],
        [{"question": "diq", "place": 0}],
        [answer("diq", 0, "4") | {"reader": "ben"}],
        [answer("diq", 3, "4")],
        [answer("diq", -1, "4")],
        [answer("diq", "0", "4")],
        [answer("diq", True, "4")],
        [answer("diq", 0.0, "4")],
        [answer("remarks", 0, "fine")],
        [answer("nothing", 0, "4")],
        [answer(["diq"], 0, "4")],
        [answer("diq", 0, "6")],
        [answer("diq", 0, 4)],
        [answer("diq", 0, "4")] * 201,
    ):
        with pytest.raises(ValueError):
            rules.given(study, {"answers": rows})


def test_a_rank_is_shared_only_where_it_may_be(study):
    rules.check_ranks(study, held(("rank", 0, "1"), ("rank", 1, "2"), ("diq", 0, "1")))
    with pytest.raises(rules.ConflictError, match="two images have rank 1"):
        rules.check_ranks(study, held(("rank", 0, "1"), ("rank", 2, "1")))


def test_what_is_missing_is_named(study):
    complete = held(
        *(
            (name, place, "4")
            for name in ("diq", "sharpness", "contrast", "artefact", "snr", "overall")
            for place in range(3)
        ),
        *(("rank", place, str(place + 1)) for place in range(3)),
    )
    rules.check_complete(study, complete)  # Remarks may stay empty.
    with pytest.raises(rules.ConflictError, match="1 answers are missing: Rank"):
        rules.check_complete(study, complete[:-1])

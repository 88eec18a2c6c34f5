import dataclasses

import pytest
from held_out import tci

from deepresolve.evaluation.table_1 import figures
from deepresolve.evaluation.table_1.experiment import evaluate
from deepresolve.evaluation.table_1.plan import Network, Plan

ALL = ["figure_2.png", "paired.png", "bland_altman.png", "super_resolution.png"]


@pytest.mark.parametrize(
    ("parts", "factor", "expected"),
    [
        (("sr",), 3, ["figure_2.png", "paired.png", "super_resolution.png"]),
        (("sr", "seg", "benchmark"), 3, ALL),
        (("seg",), 3, ALL),
        (("seg",), None, ["figure_2.png", "bland_altman.png"]),
        (
            ("seg", "benchmark"),
            None,
            ["figure_2.png", "paired.png", "bland_altman.png"],
        ),
        (("benchmark",), None, ["bland_altman.png"]),
    ],
)
def test_figures_are_drawn_where_their_data_is_there(
    make_subject, segment, classes, parts, factor, expected
):
    run = {"sr": tci, "seg": segment, "benchmark": segment}
    networks = {part: Network(part, run[part]) for part in parts}
    results = evaluate([make_subject(0)], Plan(networks, factor, classes))
    assert list(figures.pictures(results)) == expected


def test_all_that_is_shown_is_drawn(full_analysis):
    drawn = figures.draw(full_analysis)
    assert list(drawn) == list(figures.pictures(full_analysis.results)) == ALL
    assert all(png.startswith(b"\x89PNG\r\n") for png in drawn.values())


@pytest.mark.parametrize("name", figures.FIGURES)
def test_says_what_it_is(name):
    figure = figures.FIGURES[name]
    assert figure.title
    assert figure.caption
    assert dataclasses.is_dataclass(figure)

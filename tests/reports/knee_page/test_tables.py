"""Rows of tables against the knee's numbers."""

import dataclasses
import math

import pytest

from deepresolve.quantification.change import Change
from deepresolve.reports.knee_page import tables


def all_rows(knee, intervals=None):
    given = intervals or {}
    groups = tables.cartilage(knee, given)
    return [row for group in groups for row in group], tables.menisci(knee, given)


def test_every_number_stands_once(left):
    cartilage, menisci = all_rows(left.knee)
    named = [row.name for row in cartilage + menisci]
    assert sorted(named) == sorted(left.knee.quantities)
    for rows, columns in ((cartilage, tables.CARTILAGE), (menisci, tables.MENISCUS)):
        for row in rows:
            for cell, column in zip(row.cells, columns, strict=True):
                value = left.knee.quantities[row.name][column.quantity]
                if cell.text == tables.NONE:
                    assert value != value and "FTC" in row.name
                else:
                    half = 0.51 * 10 ** -int(column.form[1])
                    assert float(cell.text) == pytest.approx(value, abs=half)


def test_regions_stand_below_their_plate(left):
    groups = tables.cartilage(left.knee, {})
    assert [group[0].name for group in groups] == ["F", "MT", "LT", "P", "MFTC"]
    femur = [row.name for row in groups[0]]
    assert femur[:7] == ["F", "TrF", "cMF", "icMF", "ccMF", "ecMF", "pMF"]
    assert {row.name for row in groups[1]} == {"MT", "cMT", "aMT", "pMT", "eMT", "iMT"}


def test_what_is_known_of_a_number_stands_beside_it(left):
    nan = float("nan")
    intervals = {
        "MT": {"ThCtAB_aMe": (1.604, 1.857), "tAB": (nan, nan)},
        "LT": {"ThCtAB_aMe": (1.6, nan)},
    }
    rows, _ = all_rows(left.knee, intervals)
    by_name = {row.name: row for row in rows}
    assert [cell.interval for cell in by_name["MT"].cells] == [
        *("1.60 to 1.86", "", "", "")
    ]
    assert by_name["LT"].cells[0].interval == ""


def test_published_means_stand_beside_the_plates_that_have_one(left):
    """Framingham's normal knees, OAC 2010;18:1275."""
    rows, _ = all_rows(left.knee)
    published = {row.name: row.published for row in rows if row.published}
    assert published == {
        **{"MT": "1.73", "LT": "2.09", "cMF": "1.86", "cLF": "1.77"},
        **{"MFTC": "3.59", "LFTC": "3.86"},
    }
    assert "2010;18:1275" in tables.PUBLISHED_SOURCE


def test_a_knee_without_sides_has_its_plates(left):
    kept = {"F": left.knee.quantities["F"], "P": left.knee.quantities["P"]}
    knee = dataclasses.replace(
        left.knee,
        plates={name: left.knee.plates[name] for name in kept},
        regions={},
        quantities=kept,
    )
    groups = tables.cartilage(knee, {})
    assert [[row.name for row in group] for group in groups] == [["F"], ["P"]]
    assert tables.menisci(knee, {}) == []


def test_what_changed_stands_beside_what_repeats_vary_by():
    groups = tables.changed(
        {
            ("MFTC", "ThCtAB_aMe"): Change(4.0, 3.75, 0.1),
            ("cLF", "ThCtAB_aMe"): Change(1.5, 1.5, 0.1),
            ("MT", "ThCtAB_aMe"): Change(2.0, 1.75, 0.1),
            ("F", "ThCtAB_aMe"): Change(2.0, 2.05, 0.1),
            ("F", "VC"): Change(1000.0, 900.0, 10.0),
            ("cMT", "ThCtAB_aMe"): Change(0.0, 0.5, math.nan),
            ("LT", "ThCtAB_aMe"): Change(2.0, 1.998, 0.1),
            ("eLT", "ThCtAB_aMe"): Change(1.5, math.nan, 0.1),
        },
    )
    # As in the table of plates: regions below their own.
    assert [[row.name for row in rows] for rows in groups] == [
        *(["F", "cLF"], ["MT", "cMT"], ["LT", "eLT"], ["MFTC"])
    ]
    named = {row.name: row for rows in groups for row in rows}
    found = [named[name] for name in ("F", "MT", "cMT", "LT")]
    assert found[1][2:] == (("2.00", "1.75"), "-0.25", "-12.5", "0.10", "beyond")
    assert found[0][2:] == (("2.00", "2.05"), "+0.05", "+2.5", "0.10", "within")
    assert found[3][3:5] == ("+0.00", "-0.1")
    none = tables.NONE
    assert found[2][2:] == (("0.00", "0.50"), "+0.50", none, none, none)
    assert named["eLT"][2:] == (("1.50", none), none, none, "0.10", none)

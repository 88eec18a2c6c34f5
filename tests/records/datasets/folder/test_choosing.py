"""Which volumes of each scan are taken."""

import logging

import pytest
from world import scans

from deepresolve.imaging import formats
from deepresolve.imaging.formats.choice import ALL, ONLY, Choice
from records.datasets.folder.choosing import choose


@pytest.fixture
def three(tmp_path):
    """Scans of one echo, of two echoes and of two series."""
    scans.dicom_stack(tmp_path / "one")
    scans.dicom_stack(tmp_path / "echoes")
    scans.dicom_stack(
        *(tmp_path / "echoes", scans.knee(seed=8).astype("uint16")),
        name="E{}.dcm",
        edit=lambda made, index: setattr(made, "SOPInstanceUID", f"1.2.{index + 1}"),
        EchoNumbers=2,
        EchoTime=60,
    )
    scans.dicom_stack(tmp_path / "series")
    scans.dicom_stack(tmp_path / "series", series=2, name="S{}.dcm", EchoNumbers=2)
    return {name: tmp_path / name for name in ("one", "echoes", "series")}


def taken(three, asked, **own):
    return {scan.id: scan.choice for scan in choose(three, asked, own)}


def test_a_choice_is_for_those_that_leave_one(three, caplog):
    found = taken(three, Choice(echo=1))
    assert found == {"one": ONLY, "echoes": Choice(echo=1), "series": Choice(1)}
    (message,) = caplog.messages
    assert message.startswith("--echo=1 is not for 1 of 3 scans, the first 'one'")
    for scan in choose(three, Choice(echo=1), {}):
        assert formats.read_image(scan.path, choice=scan.choice).shape == scans.SHAPE


def test_every_echo_and_series_is_a_scan(three, caplog):
    assert taken(three, Choice(ALL, ALL)) == {
        "one": ONLY,
        "echoes_e1": Choice(echo=1),
        "echoes_e2": Choice(echo=2),
        "series_s1": Choice(1),
        "series_s2": Choice(2),
    }
    assert not caplog.messages
    chosen = choose(three, Choice(ALL, ALL), {})
    times = {scan.id: scan.acquired.echo_time_ms for scan in chosen}
    assert times["echoes_e2"] == 60
    assert times["echoes_e1"] == times["one"] != 60
    identities = {scan.identity for scan in choose(three, Choice(ALL, ALL), {})}
    (identity,) = identities  # all are of the one test patient
    assert ("PatientID", "T1") in identity


def test_single_scans_have_choices_of_their_own(three):
    own = {"echoes": Choice(echo=2), "series": Choice(2)}
    assert taken(three, Choice(echo=1), **own) == {
        "one": ONLY,
        "echoes": Choice(echo=2),
        "series": Choice(2),
    }


def test_what_cannot_be_read_is_left_for_the_reader_to_tell(three, tmp_path, caplog):
    (tmp_path / "one" / "IM0001.dcm").write_bytes(b"cut short")
    found = choose({**three, "gone": tmp_path / "gone"}, Choice(echo=ALL), {})
    assert [scan.id for scan in found][:3] == ["echoes_e1", "echoes_e2", "gone"]
    assert not [r for r in caplog.records if r.levelno > logging.WARNING]

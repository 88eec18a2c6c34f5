import json
import stat

import pytest

from deepresolve.reading.server import doors

EVERYWHERE = "0.0.0.0"  # noqa: S104 (nothing is bound here)


def test_a_token_opens_for_its_reader_alone(study):
    tokens = doors.make_tokens(study)
    assert set(tokens) == {"anna", "ben"}
    door = doors.token_door(study)
    for reader, token in tokens.items():
        assert door.reader(door.enter({"token": token})) == reader
    for wrong in ("", "x", tokens["anna"][:-1], None, 5, ["anna"], "anna"):
        assert door.enter({"token": wrong}) is None
    assert door.enter({"reader": "anna"}) is None
    assert door.readers == ()


def test_only_hashes_are_kept_and_only_for_their_owner(study):
    tokens = doors.make_tokens(study)
    path = study.folder / "sealed" / "tokens.json"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    text = path.read_text()
    assert not any(token in text for token in tokens.values())
    assert set(json.loads(text)) == {"anna", "ben"}


def test_tokens_last_until_they_are_renewed(study):
    old = doors.make_tokens(study)
    assert doors.make_tokens(study) == {}
    new = doors.make_tokens(study, renew=True)
    door = doors.token_door(study)
    assert door.reader(new["anna"]) == "anna"
    assert door.reader(old["anna"]) is None


def test_the_open_door_knows_names():
    door = doors.OpenDoor(("anna", "Bérénice K."))
    for name in door.readers:
        cookie = door.enter({"reader": name})
        assert cookie.isascii()
        assert door.reader(cookie) == name
    assert door.enter({"reader": "carl"}) is door.enter({}) is None
    assert door.reader("carl") is None


@pytest.mark.parametrize(
    ("host", "named", "known"),
    [
        ("127.0.0.1:8765", "127.0.0.1", True),
        ("localhost:1", "127.0.0.1", True),
        ("[::1]:8765", "::1", True),
        ("evil.example:8765", "127.0.0.1", False),
        ("127.0.0.1.evil.example", "127.0.0.1", False),
        ("192.168.1.5:8765", "127.0.0.1", False),
        ("", "127.0.0.1", False),
        ("192.168.1.5:8765", EVERYWHERE, True),
        ("[fd00::5]:8765", "::", True),
        ("evil.example", EVERYWHERE, False),
        ("Reading.example:8765", "reading.example", True),
    ],
)
def test_a_name_that_was_pointed_here_is_not_ours(host, named, known):
    assert doors.answers_to(host, named) is known


@pytest.mark.parametrize(
    ("host", "loopback"),
    [
        *((host, True) for host in ("127.0.0.1", "127.5.5.5", "::1", "localhost")),
        *((host, False) for host in (EVERYWHERE, "::", "10.0.0.1", "example.org")),
    ],
)
def test_loopback_is_this_machine_alone(host, loopback):
    assert doors.is_loopback(host) is loopback


@pytest.mark.parametrize(
    "text",
    [
        *("reading.example", "ftp://reading.example/", "https://", "https:///study"),
        *("https://reading.example/study", "https://reading.example/?a=1"),
        *("https://anna@reading.example/", "https://reading.example/#token=1"),
    ],
)
def test_a_public_address_is_a_name_alone(text):
    with pytest.raises(ValueError, match="expected the address that readers open"):
        doors.public_address(text)

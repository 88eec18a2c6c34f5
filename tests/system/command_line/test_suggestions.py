import pytest

from deepresolve.system.command_line.suggestions import did_you_mean

KNOWN = ["input", "output", "workdir"]


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ("inptu", " Did you mean --input?"),
        ("work_dir", " Did you mean --workdir?"),
        ("zebra", ""),
    ],
)
def test_names_what_is_similar_and_nothing_else(given, told):
    assert did_you_mean(given, KNOWN, "--") == told

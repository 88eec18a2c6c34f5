import pytest

from deepresolve.system.command_line.parser import GroupParser


@pytest.fixture
def parser():
    group = GroupParser("knees", "Knees by the dozen.")
    count = group.add("count", "Count them.")
    count.add_argument("-o", "--output", required=True)
    count.add_argument("--side", choices=("left", "right"), default="left")
    group.add("sell", "Sell them.")
    return group


@pytest.mark.parametrize("output", [["--output=a"], ["-o", "a"], ["-oa"]])
def test_reads_the_flags_of_a_command(parser, output):
    flags = parser.parse_args(["count", *output])
    assert (flags.command, flags.output, flags.side) == ("count", "a", "left")


@pytest.mark.parametrize(
    ("arguments", "usage"),
    [([], "usage: knees [-h]"), (["count"], "usage: knees count [flags]")],
)
def test_help_is_no_failure(parser, arguments, usage, capsys):
    with pytest.raises(SystemExit) as ended:
        parser.parse_args([*arguments, "--help"])
    assert ended.value.code == 0
    assert usage in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["cuont"], "(choose from 'count', 'sell'). Did you mean count?"),
        (["count", "--ouptut=a"], "arguments: --ouptut. Did you mean --output?"),
        (["count", "--output=a", "--zebra"], "unrecognized arguments: --zebra\n"),
        (["count", "--output=a", "--side=rigth"], "Did you mean right?"),
        (["count", "--side=left"], "required: -o/--output"),
    ],
)
def test_what_is_wrong_is_told_with_what_was_meant(parser, arguments, told, capsys):
    with pytest.raises(SystemExit) as ended:
        parser.parse_args(arguments)
    assert ended.value.code == 2
    quoted = told.replace("'count', 'sell'", "count, sell")  # from Python 3.12 on
    error = capsys.readouterr().err
    assert told in error or quoted in error


@pytest.mark.parametrize(
    ("arguments", "shown"), [([], "Count them."), (["count"], "--side {left,right}")]
)
def test_without_arguments_it_shows_what_there_is(parser, arguments, shown, capsys):
    with pytest.raises(SystemExit) as ended:
        parser.parse_args(arguments)
    assert ended.value.code == 2
    assert shown in capsys.readouterr().err

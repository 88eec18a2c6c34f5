import pytest

from deepresolve.reports import markdown
from deepresolve.reports.document import Facts, Heading, Paragraph, Picture, Table


def test_parts_are_parted_by_empty_lines():
    text = markdown.render(
        [
            Heading("Title", level=1),
            Paragraph("Words."),
            Facts({"key": 3}),
            Picture("a.png", "A picture", "How to read it."),
        ]
    )
    assert text == (
        "# Title\n\nWords.\n\n- key: 3\n\n![A picture](a.png)\n\n"
        "*A picture.* How to read it.\n"
    )


def test_words_stand_left_and_numbers_right():
    table = Table(("measure", "x"), (("a", "1.00"), ("long name", "12.00")))
    assert markdown.render([table]).splitlines() == [
        "| measure   |     x |",
        "| --------- | ----: |",
        "| a         |  1.00 |",
        "| long name | 12.00 |",
    ]


@pytest.mark.parametrize("awkward", ["a|b", "a\nb"])
def test_a_cell_stays_one_cell(awkward):
    text = markdown.render([Table(("h", "i"), ((awkward, "1"),))])
    *_, line = text.splitlines()
    assert len(text.splitlines()) == 3
    assert line.replace("\\|", "").count("|") == 3


def test_what_readers_wrote_is_no_html_and_no_link():
    table = Table(("Remark",), (("<script>1</script> ![x](http://a) [b](c) `d`",),))
    line = markdown.render([table]).splitlines()[-1]
    assert r"\<script>1\</script> !\[x](http://a) \[b](c) \`d\`" in line

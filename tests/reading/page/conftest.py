"""A study that is served, and readers' browsers."""

import pytest

from deepresolve.reading.study import preparation


@pytest.fixture
def server(new_evaluation, tmp_path, new_design):
    """Of a study of two cases, each shown twice to anna and ben."""
    pytest.importorskip("flask", reason="needs Flask: pip install '.[reading]'")
    reader_pages = pytest.importorskip("reader_pages", reason="needs selenium")
    evaluation = new_evaluation(num_cases=2, shape=(20, 24, 16))
    design = new_design(questions=reader_pages.ASKED, title=reader_pages.TITLE)
    preparation.prepare(evaluation, tmp_path / "study", design)
    server = reader_pages.Server(tmp_path / "study")
    yield server
    server.kill()


@pytest.fixture
def new_page(new_browser, server):
    """Makes a page that a reader of that name has opened, in a browser of its own."""
    reader_pages = pytest.importorskip("reader_pages", reason="needs selenium")

    def make(reader):
        logged = {"goog:loggingPrefs": {"browser": "ALL"}}
        return reader_pages.Page(new_browser(logged), server.url, reader)

    return make


@pytest.fixture
def anna(new_page):
    """Her page; she reads alone."""
    return new_page("anna")

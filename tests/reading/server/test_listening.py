import contextlib
import http.client
import socket
import subprocess
import sys
import urllib.error
import urllib.parse
import urllib.request

import pytest

from deepresolve.reading import commands, server

_LIST_MODULES = """
import sys
from deepresolve.reading.server import listening
print(*sys.modules)
"""


LAST_LINE = "Ctrl-C stops it; nothing is lost.\n"


def test_a_server_loads_nothing_heavy():
    pytest.importorskip("flask", reason="needs Flask: pip install '.[reading]'")
    loaded = subprocess.run(
        [sys.executable, "-c", _LIST_MODULES],
        check=True,
        capture_output=True,
        text=True,
    ).stdout.split()
    assert "waitress" in loaded
    heavy = {"tensorflow", "keras", "scipy", "skimage", "matplotlib", "nibabel"}
    assert not set(loaded) & heavy


def test_without_flask_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "waitress", None)
    # As if nothing had imported it yet: neither the module nor its name in the package.
    monkeypatch.delitem(
        sys.modules, "deepresolve.reading.server.listening", raising=False
    )
    monkeypatch.delattr(server, "listening", raising=False)
    with pytest.raises(ValueError, match=r"pip install '\.\[reading\]'"):
        commands.serve(None)


@contextlib.contextmanager
def listening(study, *flags):
    """What a served study prints, up to its last line."""
    command = [sys.executable, "-m", "deepresolve", "reading", "serve", "--port=0"]
    with subprocess.Popen(
        [*command, f"--study={study.folder}", *flags],
        stdout=subprocess.PIPE,
        text=True,
    ) as server:
        try:
            lines = list(iter(server.stdout.readline, LAST_LINE))
            yield [line.strip() for line in lines]
        finally:
            server.kill()


def check_refused_by_its_header(netloc):
    """A stranger's body of 300 MB is refused before any of it comes."""
    connection = http.client.HTTPConnection(netloc, timeout=5)
    with contextlib.closing(connection):
        connection.putrequest("POST", "/api/enter")
        connection.putheader("Content-Length", str(300_000_000))
        connection.endheaders()
        assert connection.getresponse().status == 413


def test_links_are_printed_once_and_the_page_is_there(study):
    pytest.importorskip("flask", reason="needs Flask: pip install '.[reading]'")
    with listening(study, "--tokens") as (first, *links):
        title, url = first.split(": ", 1)
        assert title == "Knees"
        assert [link.split(":")[0] for link in links] == [
            "link of anna",
            "link of ben",
        ]
        assert all(f"{url}#token=" in link for link in links)
        with urllib.request.urlopen(url) as page:  # noqa: S310 (our own server)
            assert b"/page/main.js" in page.read()
        renamed = urllib.request.Request(url, headers={"Host": "evil.example"})  # noqa: S310
        with pytest.raises(urllib.error.HTTPError, match="403") as refused:
            urllib.request.urlopen(renamed)  # noqa: S310
        refused.value.close()
        check_refused_by_its_header(urllib.parse.urlsplit(url).netloc)
    # Behind a web server the links bear its name, and tokens go without saying.
    url = "--url=https://reading.example"
    with listening(study, url) as (first, line):
        assert first.startswith("Knees: http://127.0.0.1:")
        assert "--new_tokens" in line
    with listening(study, url, "--new_tokens") as (_, *links):
        assert len(links) == 2
        assert all(": https://reading.example/#token=" in link for link in links)


def test_a_server_that_cannot_listen_leaves_the_tokens_alone(study):
    pytest.importorskip("flask", reason="needs Flask: pip install '.[reading]'")
    from deepresolve.reading.server import doors, listening

    with socket.create_server(("127.0.0.1", 0)) as busy:
        port = busy.getsockname()[1]
        for host, problem in (
            ("127.0.0.1", "stop what listens there"),
            ("192.0.2.1", "another machine"),  # For documentation: RFC 5737.
            ("no..host", "'no..host' is no address"),
        ):
            with pytest.raises(OSError, match=problem):
                listening.serve(study.folder, host=host, port=port, new_tokens=True)
    assert doors.token_door(study).hashes == {}


def test_a_port_that_cannot_be_is_named(run_script):
    for port in ("-1", "99999"):
        done = run_script(
            "deepresolve", "reading", "serve", "--study=study", f"--port={port}"
        )
        assert done.returncode == 2
        assert f"--port: expected 0 to 65535; got '{port}'" in done.stderr

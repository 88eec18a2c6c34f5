"""A study on a port."""

from __future__ import annotations

import pathlib
import socket

import waitress

from deepresolve.reading import doors, server
from deepresolve.reading.study import Study

_NUM_THREADS = 8
# Slabs of images stay in memory while they are sent.
_LARGEST_IN_MEMORY = 256 * 1024 * 1024


def serve(
    folder: pathlib.Path,
    *,
    host: str,
    port: int,
    tokens: bool = False,
    new_tokens: bool = False,
    url: str | None = None,
) -> None:
    """Serves until a signal ends it.

    Args:
      folder: the study.
      host: address to listen at; tokens are required unless it is a loopback one.
      port: 0 for any that is free.
      tokens: require them on a loopback address, too.
      new_tokens: make all tokens anew.
      url: at which readers reach a web server before this one; tokens are required.

    Raises:
      FileNotFoundError: there is no study.
      ValueError: `url` is not the address of a page.
      OSError: the address or port is not to be had.
    """
    public = doors.public_address(url) if url else None
    study = Study.load(folder)
    study.answers.seal()  # A study without its data base fails here, not at a reader's.
    by_token = tokens or new_tokens or bool(public) or not doors.is_loopback(host)
    made = doors.make_tokens(study, renew=new_tokens) if by_token else {}
    door = doors.token_door(study) if by_token else doors.OpenDoor(study.readers)
    try:
        running = waitress.create_server(
            server.make_app(study, door, host, public),
            host=host,
            port=port,
            threads=_NUM_THREADS,
            outbuf_overflow=_LARGEST_IN_MEMORY,
        )
    except OSError as error:
        raise OSError(
            f"Cannot listen at {host}, port {port} ({error.strerror}). Choose another "
            "--port, or stop what listens there."
        ) from error
    address = _address(host, running)
    readers_address = f"{public.scheme}://{public.netloc}/" if public else address
    print(f"{study.title}: {address}", flush=True)
    _print_links(readers_address, study, made, by_token)
    print("Ctrl-C stops it; nothing is lost.", flush=True)
    running.run()


def _address(host: str, running) -> str:
    port = getattr(running, "effective_port", None)
    if port is None:  # A name with several addresses has a socket for each.
        port = running.effective_listen[0][1]
    if host in ("0.0.0.0", "::"):  # noqa: S104 (all addresses: named as the machine)
        host = socket.gethostname()
    shown = f"[{host}]" if ":" in host else host
    return f"http://{shown}:{port}/"


def _print_links(address: str, study: Study, made: dict, by_token: bool) -> None:
    for reader, token in made.items():
        print(f"  link of {reader}: {address}#token={token}", flush=True)
    old = [reader for reader in study.readers if reader not in made]
    if by_token and old:
        print(
            f"  {', '.join(old)}: as printed when it was made (--new_tokens makes "
            "new ones)",
            flush=True,
        )

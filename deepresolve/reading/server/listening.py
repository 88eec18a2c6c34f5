"""A study on a port."""

from __future__ import annotations

import errno
import os
import pathlib
import socket

import waitress

from deepresolve.reading import server
from deepresolve.reading.server import doors
from deepresolve.reading.study import Study

_SETTINGS = {
    "threads": 8,
    # Slabs of images stay in memory while they are sent.
    "outbuf_overflow": 256 * 1024 * 1024,
    # A larger one is refused by its header, before it is taken in.
    "max_request_body_size": server.LARGEST_BODY,
    # Connections that say nothing must not keep readers out: many fit, few stay. Below
    # the usual limit of 1024 open files; poll, as select knows no more than those.
    "connection_limit": 800,
    "asyncore_use_poll": True,
    # Of silence: an image on its way down a slow line is none.
    "channel_timeout": 20,
    "cleanup_interval": 5,
}


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
      OSError: the address or port is not to be had; no token was made.
    """
    public = doors.public_address(url) if url else None
    study = Study.load(folder)
    study.answers.seal()  # A study without its data base fails here, not at a reader's.
    sockets = _listen(host, port)
    by_token = tokens or new_tokens or bool(public) or not doors.is_loopback(host)
    made = doors.make_tokens(study, renew=new_tokens) if by_token else {}
    door = doors.token_door(study) if by_token else doors.OpenDoor(study.readers)
    running = waitress.create_server(
        server.make_app(study, door, host, public), sockets=sockets, **_SETTINGS
    )
    address = _address(host, sockets[0].getsockname()[1])
    readers_address = f"{public.scheme}://{public.netloc}/" if public else address
    print(f"{study.title}: {address}", flush=True)
    _print_links(readers_address, study, made, by_token)
    print("Ctrl-C stops it; nothing is lost.", flush=True)
    running.run()


def _listen(host: str, port: int) -> list[socket.socket]:
    """A socket for each address that the host's name has."""
    opened: list[socket.socket] = []
    try:
        found = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )
        for family, *_, address in dict.fromkeys(found):
            # The first one's port, where any was asked for.
            at = opened[0].getsockname()[1] if opened else port
            place = (address[0], at, *address[2:])
            opened.append(socket.create_server(place, family=family))
    except (OSError, UnicodeError) as error:  # The latter: no name at all.
        for one in opened:
            one.close()
        raise OSError(_problem(host, port, error)) from error
    return opened


def _problem(host: str, port: int, error: OSError | UnicodeError) -> str:
    if isinstance(error, socket.gaierror | UnicodeError):
        return (
            f"--host: {host!r} is no address ({error}). Give one of this machine's "
            "own, such as 127.0.0.1."
        )
    reason = os.strerror(error.errno or 0)
    if error.errno == errno.EADDRNOTAVAIL:
        return (
            f"--host: {host} is the address of another machine, or of none "
            f"({reason}). Give one of this machine's own."
        )
    return (
        f"Cannot listen at {host}, port {port} ({reason}). Choose "
        "another --port, or stop what listens there."
    )


def _address(host: str, port: int) -> str:
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

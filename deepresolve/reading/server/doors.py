"""Who comes in: by name on this machine, by a token from elsewhere."""

from __future__ import annotations

import dataclasses
import hashlib
import hmac
import ipaddress
import json
import pathlib
import secrets
import socket
from collections.abc import Mapping
from typing import Any
from urllib.parse import SplitResult, quote, unquote, urlsplit

from deepresolve.reading.study import SEALED_FOLDER, Study
from deepresolve.system import files

TOKEN_FILE = "tokens.json"  # noqa: S105 (holds hashes)
_NO_ADDRESS = (
    "--url: expected the address that readers open, of a name alone, such as "
    "https://reading.hospital.org/; got {!r}."
)


@dataclasses.dataclass(frozen=True)
class OpenDoor:
    """A reader says who he is.

    Attributes:
      readers: their names, which everybody may see.
    """

    readers: tuple[str, ...]

    def enter(self, body: Mapping[str, Any]) -> str | None:
        """The cookie for a reader who names himself; None for nobody."""
        name = body.get("reader")
        return quote(name, safe="") if name in self.readers else None

    def reader(self, cookie: str) -> str | None:
        """Whose cookie it is."""
        name = unquote(cookie)
        return name if name in self.readers else None


@dataclasses.dataclass(frozen=True)
class TokenDoor:
    """A reader shows his token.

    Attributes:
      hashes: SHA-256 of each reader's token.
    """

    hashes: Mapping[str, str]
    readers: tuple[str, ...] = ()

    def enter(self, body: Mapping[str, Any]) -> str | None:
        """The cookie for who shows a token; None for nobody."""
        token = body.get("token")
        known = isinstance(token, str) and self.reader(token) is not None
        return token if known else None

    def reader(self, cookie: str) -> str | None:
        """Whose cookie it is; as slow for a near miss as for any other."""
        shown = _hash(cookie)
        found = None
        for name, expected in self.hashes.items():
            if hmac.compare_digest(shown, expected):
                found = name
        return found


Door = OpenDoor | TokenDoor


def make_tokens(study: Study, *, renew: bool = False) -> dict[str, str]:
    """Makes a token for every reader who has none; hashes alone are kept.

    Args:
      study: whose readers.
      renew: make all of them anew; the old ones let nobody in any more.

    Returns:
      The new tokens by reader.
    """
    hashes = {} if renew else _stored_hashes(study)
    new = {
        name: secrets.token_urlsafe(32) for name in study.readers if name not in hashes
    }
    if new:
        hashes |= {name: _hash(token) for name, token in new.items()}
        path = _token_path(study)
        with files.replacing(path) as temporary:
            temporary.touch(mode=0o600)
            temporary.write_text(json.dumps(hashes, indent=1), "utf-8")
    return new


def token_door(study: Study) -> TokenDoor:
    """The door that the study's tokens open."""
    return TokenDoor(_stored_hashes(study))


def is_loopback(host: str) -> bool:
    """Whether an address is reached from this machine alone."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def public_address(text: str) -> SplitResult:
    """The address at which readers reach a web server that stands before this one.

    Raises:
      ValueError: it is not one like https://reading.hospital.org/.
    """
    text = text.lower()
    url = urlsplit(text)
    whole = f"{url.scheme}://{url.netloc}"
    if url.scheme not in ("http", "https") or not url.hostname or "@" in url.netloc:
        raise ValueError(_NO_ADDRESS.format(text))
    if text not in (whole, f"{whole}/"):
        raise ValueError(_NO_ADDRESS.format(text))
    return url


def answers_to(host: str, named: str, public: SplitResult | None = None) -> bool:
    """Whether a request's Host is one that this server goes by.

    A page of another site whose name has been pointed at this machine (DNS rebinding)
    comes with that site's name.

    Args:
      host: the Host header.
      named: the address that the server was given.
      public: the address of a web server before it, which may pass its own Host on.
    """
    name = host.rpartition(":")[0] if not host.endswith("]") and ":" in host else host
    name = name.strip("[]").lower()
    if public and name == public.hostname:
        return True
    if is_loopback(named):
        return is_loopback(name)
    own = {named.lower(), socket.gethostname().lower(), socket.getfqdn().lower()}
    return name in own or is_loopback(name) or _is_address(name)


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def _token_path(study: Study) -> pathlib.Path:
    return study.folder / SEALED_FOLDER / TOKEN_FILE


def _stored_hashes(study: Study) -> dict[str, str]:
    path = _token_path(study)
    return json.loads(path.read_text("utf-8")) if path.is_file() else {}


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "replace")).hexdigest()

"""What the page asks for, and what it is refused.

The server reads `study.json`, the images and the answers; it has no code that opens the
sealed key. A reader is served his own presentations alone; others' are as unknown as
those that do not exist.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import SplitResult, urlsplit

import flask
import numpy as np
from werkzeug import exceptions

from deepresolve.imaging.anatomy import PLANES
from deepresolve.reading.server import doors
from deepresolve.reading.study import Presentation, Study, rules
from deepresolve.reading.study import questions as asked
from deepresolve.reading.study.answers import Answer, LockedError
from deepresolve.reports import cuts, viewer_files

# Sent by the page with every change; a form of another site cannot set it.
OWN_HEADER = "X-Reading"

# Of a request, in bytes.
LARGEST_BODY = 256 * 1024
_HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": (
        "default-src 'self'; base-uri 'none'; form-action 'none'; "
        "frame-ancestors 'none'; object-src 'none'"
    ),
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}


def make_app(
    study: Study, door: doors.Door, host: str, public: SplitResult | None = None
) -> flask.Flask:
    """The WSGI application.

    Args:
      study: what is shown and asked.
      door: who comes in.
      host: the address that the server was given.
      public: the address of a web server before it (`doors.public_address`); by https
        the cookie is sent by https alone.
    """
    app = flask.Flask(
        "deepresolve.reading", static_folder="page", static_url_path="/page"
    )
    app.config["MAX_CONTENT_LENGTH"] = LARGEST_BODY
    app.before_request(lambda: _check_request(host, public))
    app.after_request(_add_headers)
    app.register_error_handler(exceptions.HTTPException, _as_json)
    app.register_error_handler(ValueError, _as_refusal)
    is_secure = public is not None and public.scheme == "https"
    room = _Room(study, door, secure=is_secure)
    for rule, method, view in (
        ("/api/study", "GET", room.overview),
        ("/api/enter", "POST", room.enter),
        ("/api/leave", "POST", room.leave),
        ("/api/presentations/<name>", "GET", room.presentation),
        ("/api/presentations/<name>/answers", "PUT", room.answer),
        ("/api/presentations/<name>/lock", "POST", room.lock),
        ("/api/images/<name>", "GET", room.slices),
    ):
        app.add_url_rule(rule, view.__name__, view, methods=[method])
    app.add_url_rule("/", "page", lambda: app.send_static_file("index.html"))
    app.add_url_rule("/viewer/<name>", "viewer", _viewer_file)
    return app


def _viewer_file(name: str) -> flask.Response:
    return flask.send_from_directory(viewer_files.FOLDER, name)


class _Room:
    """The requests of one study."""

    def __init__(self, study: Study, door: doors.Door, *, secure: bool):
        self._study = study
        self._door = door
        self._how: dict[str, Any] = {
            "httponly": True,
            "samesite": "Strict",
            "secure": secure,
        }
        self._answers = study.answers
        self._of_image = {
            image: presentation
            for presentation in study.all_presentations.values()
            for image in presentation.images
        }
        # Several studies may be served by one machine, and cookies know no ports.
        self._cookie = f"reading_{study.key_sha256[:12]}"

    def overview(self) -> dict[str, Any]:
        """The study, and how far the reader has come; for strangers, who may read."""
        study, reader = self._study, self._reader()
        if reader is None:
            readers = list(self._door.readers)
            return {"title": study.title, "reader": None, "readers": readers}
        locks = self._answers.locks()
        return {
            "title": study.title,
            "reader": reader,
            "study": study.key_sha256[:12],
            "num_images": study.num_images,
            "longest_remark": asked.LONGEST_REMARK,
            "questions": [
                _question(question, study.num_images) for question in study.questions
            ],
            "presentations": [
                {"id": p.id, "locked": (reader, p.id) in locks}
                for p in study.presentations(reader)
            ],
        }

    def enter(self) -> flask.Response:
        """Lets a reader in."""
        cookie = self._door.enter(_body())
        if cookie is None:
            flask.abort(403, "This name or link does not open the study.")
        response = flask.jsonify(reader=self._door.reader(cookie))
        response.set_cookie(self._cookie, cookie, max_age=90 * 86400, **self._how)
        return response

    def leave(self) -> flask.Response:
        """Lets another reader take the seat."""
        response = flask.jsonify(reader=None)
        response.delete_cookie(self._cookie, **self._how)
        return response

    def presentation(self, name: str) -> dict[str, Any]:
        """One case: its images and what the reader has answered."""
        presentation = self._own(self._study.all_presentations.get(name))
        self._check_open(presentation)
        answers = self._answers.answers_to(presentation.reader, presentation.id)
        return {
            "id": presentation.id,
            "images": presentation.images,
            "shape": presentation.shape,
            "planes": _planes(presentation),
            "window": presentation.window,
            "answers": [_answer(answer) for answer in answers],
        }

    def answer(self, name: str) -> dict[str, Any]:
        """Keeps answers; they are on the disk before this returns."""
        presentation = self._own(self._study.all_presentations.get(name))
        now_held = self._answers.record(
            presentation.reader,
            presentation.id,
            rules.given(self._study, _body()),
            lambda answers: rules.check_ranks(self._study, answers),
        )
        return {"answers": [_answer(answer) for answer in now_held]}

    def lock(self, name: str) -> dict[str, Any]:
        """Ends a case."""
        _body()
        presentation = self._own(self._study.all_presentations.get(name))
        locked_at = self._answers.lock(
            presentation.reader,
            presentation.id,
            lambda answers: rules.check_complete(self._study, answers),
        )
        return {"locked_at": locked_at}

    def slices(self, name: str) -> flask.Response:
        """Some sagittal slices of an image: little-endian uint16."""
        presentation = self._own(self._of_image.get(name))
        self._check_open(presentation)
        first = _count(flask.request.args.get("first"))
        count = _count(flask.request.args.get("count"))
        if count < 1 or first + count > presentation.shape[0]:
            flask.abort(400, f"The image has {presentation.shape[0]} slices.")
        array = np.load(self._study.image_path(name), mmap_mode="r")
        return flask.Response(
            array[first : first + count].tobytes(), mimetype="application/octet-stream"
        )

    def _reader(self) -> str | None:
        cookie = flask.request.cookies.get(self._cookie)
        return self._door.reader(cookie) if cookie else None

    def _own(self, presentation: Presentation | None) -> Presentation:
        reader = self._reader()
        if reader is None:
            flask.abort(401, "Say who you are first.")
        if presentation is None or presentation.reader != reader:
            flask.abort(404, "There is no such thing in this study.")
        return presentation

    def _check_open(self, presentation: Presentation) -> None:
        if (presentation.reader, presentation.id) in self._answers.locks():
            raise LockedError("This case is locked and stays closed.")


def _planes(presentation: Presentation) -> list[dict[str, Any]]:
    """As the viewer has them; from their middle."""
    of_case = presentation.orientation, presentation.spacing_mm
    described = []
    for plane in PLANES:
        cut = cuts.cut(*of_case, plane)
        start = presentation.shape[cut.axes[2]] // 2
        described.append(cuts.for_viewer(plane, cut, start=start))
    return described


def _question(question: asked.Question, num_images: int) -> dict[str, Any]:
    lowest, highest = question.range(num_images)
    return {
        "name": question.name,
        "title": question.title,
        "kind": question.kind,
        "scope": question.scope,
        "lowest": lowest,
        "highest": highest,
        "anchors": dict(question.anchors),
        "ties": question.ties,
    }


def _answer(answer: Answer) -> dict[str, Any]:
    return {
        "place": answer.place,
        "question": answer.question,
        "value": answer.value,
    }


def _body() -> dict[str, Any]:
    try:
        body = flask.request.get_json()
    except RecursionError:
        flask.abort(400, "Expected a JSON object; this one is nested too deeply.")
    if not isinstance(body, dict):
        flask.abort(400, "Expected a JSON object.")
    return body


def _count(text: str | None) -> int:
    if not text or len(text) > 6 or not (text.isascii() and text.isdecimal()):
        flask.abort(400, "Expected first=N and count=N.")
    return int(text)


def _check_request(host: str, public: SplitResult | None) -> None:
    request = flask.request
    if not doors.answers_to(request.host, host, public):
        flask.abort(403, "This server goes by another name.")
    to_page = request.method == "GET" and request.path == "/"
    site = request.headers.get("Sec-Fetch-Site", "same-origin")
    if site not in ("same-origin", "none") and not to_page:
        flask.abort(403, "A page of another site has no business here.")
    if request.method in ("GET", "HEAD"):
        return
    origin = request.headers.get("Origin")
    own = {request.host, public.netloc} if public else {request.host}
    if origin is not None and urlsplit(origin).netloc not in own:
        flask.abort(403, "A page of another site has no business here.")
    if request.headers.get(OWN_HEADER) != "1":
        flask.abort(403, f"Changes carry the header {OWN_HEADER}: 1.")


def _add_headers(response: flask.Response) -> flask.Response:
    for name in ("ETag", "Last-Modified"):
        response.headers.pop(name, None)
    response.headers.update(_HEADERS)
    return response


def _as_json(error: exceptions.HTTPException) -> tuple[dict[str, str], int]:
    return {"error": error.description or error.name}, error.code or 500


def _as_refusal(error: ValueError) -> tuple[dict[str, str], int]:
    conflict = isinstance(error, LockedError | rules.ConflictError)
    return {"error": str(error)}, 409 if conflict else 400

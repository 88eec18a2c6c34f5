import json
import re
from urllib.parse import urljoin

import numpy as np
import pytest

pytest.importorskip("flask", reason="needs Flask: pip install '.[reading]'")
from deepresolve.reading import server
from deepresolve.reading.server import doors

OWN = {"X-Reading": "1"}


def client_of(study, reader=None):
    app = server.make_app(study, doors.OpenDoor(study.readers), "127.0.0.1")
    client = app.test_client()
    if reader:
        entered = client.post("/api/enter", json={"reader": reader}, headers=OWN)
        assert entered.get_json() == {"reader": reader}
    return client


@pytest.fixture
def anna(study):
    return client_of(study, "anna")


def answers(*rows):
    keys = ("question", "place", "value")
    return {"answers": [dict(zip(keys, row, strict=True)) for row in rows]}


def put(client, name, body, headers=OWN):
    return client.put(f"/api/presentations/{name}/answers", json=body, headers=headers)


def everything(study):
    rows = [
        (question.name, place, "3")
        for question in study.questions
        if question.kind == "score"
        for place in range(3)
    ]
    return answers(*rows, *(("rank", place, str(place + 1)) for place in range(3)))


def test_a_reader_is_shown_his_own_order(study, anna):
    overview = anna.get("/api/study").get_json()
    assert [p["id"] for p in overview["presentations"]] == list(study.order["anna"])
    assert overview["reader"] == "anna"
    assert "readers" not in overview
    names = [question["name"] for question in overview["questions"]]
    assert names == [question.name for question in study.questions]


def test_images_come_in_slices(study, anna):
    shown = study.presentations("anna")[0]
    described = anna.get(f"/api/presentations/{shown.id}").get_json()
    assert described["images"] == list(shown.images)
    assert described["shape"] == list(shown.shape)
    for image in shown.images:
        response = anna.get(f"/api/images/{image}?first=2&count=3")
        voxels = np.frombuffer(response.data, "<u2").reshape(3, *shown.shape[1:])
        np.testing.assert_array_equal(voxels, np.load(study.image_path(image))[2:5])


def test_answers_are_kept_and_given_back(study, anna):
    name = study.order["anna"][0]
    body = answers(("diq", 0, "4"), ("remarks", -1, "<b>sharp</b>"))
    assert put(anna, name, body).status_code == 200
    again = client_of(study, "anna").get(f"/api/presentations/{name}").get_json()
    assert sorted(map(sorted, map(dict.items, again["answers"]))) == sorted(
        map(sorted, map(dict.items, body["answers"]))
    )


def test_ranks_change_places_at_once(study, anna):
    name = study.order["anna"][0]
    put(anna, name, answers(("rank", 0, "1"), ("rank", 1, "2")))
    assert put(anna, name, answers(("rank", 2, "1"))).status_code == 409
    swapped = put(anna, name, answers(("rank", 0, "2"), ("rank", 1, "1"))).get_json()
    assert [a["value"] for a in swapped["answers"]] == ["2", "1"]


def test_a_case_is_locked_once_it_is_complete_and_stays_closed(study, anna):
    name = study.order["anna"][0]
    lock = f"/api/presentations/{name}/lock"
    refused = anna.post(lock, json={}, headers=OWN)
    assert refused.status_code == 409
    assert "21 answers are missing" in refused.get_json()["error"]
    put(anna, name, everything(study))
    first = anna.post(lock, json={}, headers=OWN)
    assert first.status_code == 200
    assert anna.post(lock, json={}, headers=OWN).get_json() == first.get_json()
    assert put(anna, name, answers(("diq", 0, "1"))).status_code == 409
    assert anna.get(f"/api/presentations/{name}").status_code == 409
    image = study.all_presentations[name].images[0]
    assert anna.get(f"/api/images/{image}?first=0&count=1").status_code == 409
    overview = anna.get("/api/study").get_json()
    assert [p["locked"] for p in overview["presentations"]] == [True] + [False] * 5
    assert len(study.answers.all_answers()) == 21


def test_of_other_readers_nothing_is_known(study, anna):
    other = study.presentations("ben")[0]
    study.answers.record("ben", other.id, [(0, "diq", "5")])
    requests = [
        anna.get(f"/api/presentations/{other.id}"),
        put(anna, other.id, answers(("diq", 0, "1"))),
        anna.post(f"/api/presentations/{other.id}/lock", json={}, headers=OWN),
        anna.get(f"/api/images/{other.images[0]}?first=0&count=1"),
    ]
    unknown = anna.get(f"/api/presentations/{'0' * 32}")
    assert {r.status_code for r in requests} == {unknown.status_code} == {404}
    assert {r.data for r in requests} == {unknown.data}
    assert other.id not in anna.get("/api/study").get_data(as_text=True)
    assert [a.value for a in study.answers.all_answers()] == ["5"]


def test_nobody_is_shown_nothing(study):
    client = client_of(study)
    overview = client.get("/api/study").get_json()
    expected = {"title": "Knees", "reader": None, "readers": ["anna", "ben"]}
    assert overview == expected
    shown = study.presentations("anna")[0]
    assert client.get(f"/api/presentations/{shown.id}").status_code == 401
    assert client.get(f"/api/images/{shown.images[0]}").status_code == 401
    refused = client.post("/api/enter", json={"reader": "carl"}, headers=OWN)
    assert refused.status_code == 403


def test_with_tokens_even_names_are_secret(study):
    tokens = doors.make_tokens(study)
    app = server.make_app(study, doors.token_door(study), "192.168.1.5")
    client = app.test_client()
    assert client.get("/api/study").get_json()["readers"] == []
    for body in ({"token": "x"}, {"reader": "anna"}, {}):
        entered = client.post("/api/enter", json=body, headers=OWN)
        assert entered.status_code == 403
    entered = client.post("/api/enter", json={"token": tokens["ben"]}, headers=OWN)
    cookie = entered.headers["Set-Cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Strict" in cookie
    assert client.get("/api/study").get_json()["reader"] == "ben"
    client.post("/api/leave", json={}, headers=OWN)
    assert client.get("/api/study").get_json()["reader"] is None


HOSTILE = [
    *("../sealed/key.json", "..%2fsealed%2fkey.json", "%2e%2e/sealed/key.json"),
    *("....//sealed/key.json", "sealed/key.json", "answers.sqlite", "study.json"),
    *("x" * 5000, "%00", "é", "' OR 1=1 --", "/etc/passwd"),
]


def test_hostile_names_find_nothing(anna):
    places = ("/page/", "/api/images/", "/api/presentations/")
    for path in (place + name for place in places for name in HOSTILE):
        response = anna.get(f"{path}?first=0&count=1")
        assert response.status_code in (404, 308), path
        assert "image_sets" not in response.get_data(as_text=True)
        if response.status_code == 404:
            assert set(response.get_json()) == {"error"}


def test_slices_that_are_not_there_are_refused(study, anna):
    image = study.presentations("anna")[0].images[0]
    for query in (
        *("", "first=0", "first=-1&count=1", "first=0&count=0", "first=0&count=99999"),
        *("first=11&count=2", "first=12&count=1", "first=1e1&count=1"),
        *("first=0&count=9999999999999", "first=%D9%A3&count=1"),
    ):
        response = anna.get(f"/api/images/{image}?{query}")
        assert response.status_code == 400, query
        assert "error" in response.get_json()


def test_bodies_that_make_no_sense_are_refused(study, anna):
    path = f"/api/presentations/{study.order['anna'][0]}/answers"
    for body, status in (
        (b"", 400),
        (b"{", 400),
        (b"[]", 400),
        (b"\xff\xfe", 400),
        (b"[" * 100_000, 400),
        (b'{"answers": [{"question": "diq", "place": 0, "value": "9"}]}', 400),
        (json.dumps(answers(("remarks", -1, "x" * 4001))).encode(), 400),
        (b'"' + b"x" * 300_000 + b'"', 413),
    ):
        kind = "application/json"
        response = anna.put(path, data=body, headers=OWN, content_type=kind)
        assert response.status_code == status, body[:80]
        assert "error" in response.get_json()
    assert anna.put(path, data=b"a=1", headers=OWN).status_code == 415
    assert study.answers.history() == []


def test_changes_from_other_sites_are_refused(study, anna):
    name = study.order["anna"][0]
    for headers in (
        {},
        {"X-Reading": "1", "Origin": "http://evil.example"},
        {"X-Reading": "1", "Origin": "null"},
        {"X-Reading": "1", "Origin": "http://localhost:3000"},
        {"X-Reading": "1", "Sec-Fetch-Site": "cross-site"},
        {"X-Reading": "1", "Sec-Fetch-Site": "same-site"},
        {"X-Reading": "1", "Host": "evil.example:8765"},
    ):
        response = put(anna, name, answers(("diq", 0, "4")), headers)
        assert response.status_code == 403, headers
    assert study.answers.history() == []


def test_the_page_itself_changes_things(study, anna):
    headers = {
        **OWN,
        "Origin": "http://localhost",
        "Sec-Fetch-Site": "same-origin",
    }
    name = study.order["anna"][0]
    assert put(anna, name, answers(("diq", 0, "4")), headers).status_code == 200


def test_other_sites_read_nothing_but_may_link_to_the_page(anna):
    other = {"Sec-Fetch-Site": "cross-site"}
    assert anna.get("/", headers=other, buffered=True).status_code == 200
    for path in ("/api/study", "/page/main.js"):
        assert anna.get(path, headers=other).status_code == 403
    rebound = {"Host": "evil.example"}
    assert anna.get("/", headers=rebound).status_code == 403


@pytest.mark.parametrize("path", ["/", "/page/main.js", "/api/study", "/nothing"])
def test_every_answer_says_how_it_may_be_used(anna, path):
    headers = anna.get(path, buffered=True).headers
    assert headers["Cache-Control"] == "no-store"
    assert headers["Content-Security-Policy"].startswith("default-src 'self';")
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["X-Frame-Options"] == "DENY"
    assert headers["Referrer-Policy"] == "no-referrer"
    assert "ETag" not in headers
    assert "Last-Modified" not in headers


def test_the_page_names_no_outside_address(anna):
    page = anna.get("/", buffered=True).get_data(as_text=True)
    linked = set(re.findall(r'(?:src|href)="([^"]+)"', page))
    seen, todo = set(), set(linked)
    while todo:
        path = todo.pop()
        seen.add(path)
        response = anna.get(path, buffered=True)
        assert response.status_code == 200, path
        text = response.get_data(as_text=True).replace("http://www.w3.org/2000/svg", "")
        assert "//" not in re.sub(r"(^|\s)//.*", "", text), path
        for module in re.findall(r'from "(\.[^"]+)"', text):
            todo |= {urljoin(path, module)} - seen
    assert len(seen) > 8
    # The browser learns of all modules at once, not of each from the one before.
    assert seen == linked


def test_behind_a_web_server_with_a_certificate(study):
    tokens = doors.make_tokens(study)
    public = doors.public_address("https://reading.example/")
    door = doors.token_door(study)
    client = server.make_app(study, door, "127.0.0.1", public).test_client()
    body = {"token": tokens["anna"]}
    origin = {**OWN, "Origin": "https://reading.example"}
    # Whether or not it passes the name on.
    for host in ("reading.example", "127.0.0.1:8765"):
        entered = client.post("/api/enter", json=body, headers=origin | {"Host": host})
        assert entered.get_json() == {"reader": "anna"}
        assert "; Secure" in entered.headers["Set-Cookie"]
    for wrong in (
        {"Host": "evil.example"},
        {"Origin": "https://evil.example"},
        {"Origin": "https://reading.example.evil.example"},
    ):
        refused = client.post("/api/enter", json=body, headers=origin | wrong)
        assert refused.status_code == 403, wrong


def test_the_cookie_of_a_bare_server_goes_by_http(study):
    entered = client_of(study).post("/api/enter", json={"reader": "anna"}, headers=OWN)
    assert "Secure" not in entered.headers["Set-Cookie"]

"""Of all that the server sends, nothing but the voxels tells the sets apart."""

import collections
import random
import secrets

import numpy as np
import pytest
from scipy import stats

pytest.importorskip("flask", reason="needs Flask: pip install '.[reading]'")
from deepresolve.reading import server
from deepresolve.reading.server import doors
from deepresolve.reading.study import load_key, preparation

NUM_STUDIES = 24
SETS = ("ground_truth", "sr", "tci")


@pytest.fixture(scope="module")
def studies(evaluation, tmp_path_factory, new_design):
    """Their ids are drawn from a seed, so that no run fails by chance."""
    folder = tmp_path_factory.mktemp("studies")
    source = random.Random(1)  # noqa: S311 (not what makes the ids of a study)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(preparation, "_new_id", lambda: source.randbytes(16).hex())
        return [
            preparation.prepare(evaluation, folder / str(n), new_design(seed=n))
            for n in range(NUM_STUDIES)
        ]


def test_ids_come_from_the_systems_randomness(monkeypatch):
    drawn = []
    monkeypatch.setattr(secrets, "token_hex", lambda size: drawn.append(size) or "id")
    assert preparation._new_id() == "id"
    assert drawn == [16]


def sent(study, reader):
    """Every image of a reader in its order: features, and all that is around it."""
    app = server.make_app(study, doors.OpenDoor(study.readers), "127.0.0.1")
    client = app.test_client()
    client.post("/api/enter", json={"reader": reader}, headers={"X-Reading": "1"})
    overview = client.get("/api/study").get_json()
    for number, name in enumerate(p["id"] for p in overview["presentations"]):
        described = client.get(f"/api/presentations/{name}").get_json()
        images = described["images"]
        for place, image in enumerate(images):
            count = described["shape"][0]
            response = client.get(f"/api/images/{image}?first=0&count={count}")
            headers = {k: v for k, v in response.headers.items() if k != "Date"}
            around = (response.status, tuple(headers.items()), len(response.data))
            features = {
                "place": place,
                "place and number": (place, number),
                "place and number modulo 3": (place, number % 3),
                "first digit": image[0],
                "last digit": image[-1],
                "digit sum": sum(int(digit, 16) for digit in image) % 16,
                "order of ids": sorted(images).index(image),
                "order of ids and place": (sorted(images).index(image), place),
                "id after the presentation's": image > name,
            }
            yield name, place, features, around


def test_what_surrounds_the_voxels_is_the_same_for_all(studies):
    for reader in ("anna", "ben"):
        assert len({around for *_, around in sent(studies[0], reader)}) == 1


def guess(train, test):
    """Names the set that a feature went with most often; how many it names rightly."""
    seen = collections.defaultdict(collections.Counter)
    for value, image_set in train:
        seen[value][image_set] += 1
    return sum(
        bool(seen[value]) and seen[value].most_common(1)[0][0] == image_set
        for value, image_set in test
    )


def test_no_feature_tells_the_set(studies):
    rows = collections.defaultdict(lambda: ([], []))
    for half, study in enumerate(studies):
        sealed = load_key(study.folder).presentations
        for name, place, features, _ in sent(study, "anna"):
            image_set = sealed[name].image_sets[place]
            features["told"] = SETS.index(image_set)  # what a leak would look like
            for feature, value in features.items():
                rows[feature][half % 2].append((value, image_set))
    chances = {}
    for feature, (train, test) in rows.items():
        rightly = guess(train, test)
        chances[feature] = stats.binomtest(rightly, len(test), 1 / 3).pvalue
    assert chances.pop("told") < 1e-12
    assert min(chances.values()) > 1e-5, chances


def test_files_differ_in_their_voxels_alone(studies):
    study = studies[0]
    files = list((study.folder / "images").iterdir())
    assert len(files) == 36
    assert len({(f.stat().st_size, f.stat().st_mtime_ns) for f in files}) == 1
    headers = {f.read_bytes()[:128] for f in files}
    assert len(headers) == 1
    ranges = collections.defaultdict(set)
    for presentation in study.all_presentations.values():
        arrays = [np.load(study.image_path(image)) for image in presentation.images]
        ranges[presentation.id] = {(a.shape, a.dtype.str) for a in arrays}
        # One scale for all sets together: only together do they span it.
        assert min(a.min() for a in arrays) == 0
        assert max(a.max() for a in arrays) == 65535
    assert all(len(kinds) == 1 for kinds in ranges.values())


def test_neither_sets_nor_subjects_are_named(studies):
    study = studies[0]
    key = (study.folder / "sealed" / "key.json").read_text()
    public = (study.folder / "study.json").read_text()
    for secret in (*SETS, "knee"):
        assert secret in key
        assert f'"{secret}' not in public
    app = server.make_app(study, doors.OpenDoor(study.readers), "127.0.0.1")
    rules = [rule.rule for rule in app.url_map.iter_rules()]
    assert not any("key" in rule or "seal" in rule for rule in rules)

"""Every dataset and every runner keeps what its table promises."""

import dataclasses
import inspect
import json
import pickle
import subprocess
import sys
from typing import ClassVar

import h5py
import nibabel as nib
import numpy as np
import pytest
import scipy.io
from slab_knees import write_slab_knees

from deepresolve.imaging.volume import Volume, affine_along_axes
from records import __main__ as cli
from records import conversion, manifest, reader, settings, verification
from records.commands.run import _make
from records.datasets import DATASETS
from records.runners import RUNNERS
from records.settings import setting
from records.subject import Brings, Subject

HEAVY = (
    "tensorflow",
    "nibabel",
    "pydicom",
    "scipy",
    "h5py",
    "matplotlib",
    "apache_beam",
)


def faults(kind, table):
    """What an entry lacks, a text each."""
    if not (dataclasses.is_dataclass(kind) and kind.__dataclass_params__.frozen):
        return ["it is no frozen dataclass"]
    try:
        flags = settings.flags_of(kind)
    except TypeError as error:
        return [str(error)]
    return [
        *(["it has no docstring"] if not (kind.__doc__ or "").strip() else []),
        *_faults_of_flags(flags, table),
        *(_faults_of_dataset if table is DATASETS else _faults_of_runner)(kind),
    ]


def _faults_of_flags(flags, table):
    for name, flag in flags.items():
        if not flag.help:
            yield f"--{name} has no help"
        for other, owners in settings.owners(table).items():
            for owner in owners.values():
                same = (owner.metavar is None, owner.parse) == (
                    flag.metavar is None,
                    flag.parse,
                )
                if other == name and not same:
                    yield f"--{name} is read otherwise by another entry"


def _faults_of_dataset(kind):
    brings = inspect.getattr_static(kind, "brings", None)
    if not isinstance(brings, (Brings, property)):
        yield "it does not say what it brings"
    if not isinstance(inspect.getattr_static(kind, "label_names", None), property) and (
        "label_names" not in kind.__dataclass_fields__
    ):
        yield "it has no label_names"
    for method, arguments in (("describe", ["self"]), ("subjects", ["self", "seed"])):
        function = getattr(kind, method, None)
        if not function or list(inspect.signature(function).parameters) != arguments:
            yield f"it has no {method}({', '.join(arguments[1:])})"


def _faults_of_runner(kind):
    run = getattr(kind, "run", None)
    arguments = ["self", "work", "plans", "advance"]
    if not run or list(inspect.signature(run).parameters) != arguments:
        yield "it has no run(work, plans, advance)"
    elif not inspect.isgeneratorfunction(run):
        yield "run is no generator, which is closed when work is given up"


def heavy_imports(*modules, folder):
    """What importing some modules loads that `--help` must not wait for."""
    script = (
        f"import json, sys\nimport {', '.join(modules)}\n"
        f"print(json.dumps([name for name in {HEAVY} if name in sys.modules]))"
    )
    command = [sys.executable, "-c", script]
    return json.loads(subprocess.check_output(command, cwd=folder, text=True))


@pytest.mark.parametrize(
    ("table", "name"),
    [(table, name) for table in (DATASETS, RUNNERS) for name in table],
    ids=str,
)
def test_every_entry_declares_what_the_table_promises(table, name):
    assert faults(table[name], table) == []


def test_the_tables_are_read_without_waiting(request):
    root = request.config.rootpath
    assert heavy_imports("records.datasets", "records.runners", folder=root) == []


@dataclasses.dataclass(frozen=True)
class _Good:
    """Toy scans."""

    brings: ClassVar[Brings] = Brings()

    source: str = setting("DIR", "toy scans")

    @property
    def label_names(self):
        return {}

    def describe(self):
        return []

    def subjects(self, seed):
        return iter(())


def _planted(bad):
    """A copy of `_Good` with one thing wrong."""
    body = {**{k: v for k, v in vars(_Good).items() if not k.startswith("_")}, **bad}
    body = {k: v for k, v in body.items() if v is not None and k != "source"}
    fields = {"source": str, "brings": ClassVar[Brings]}
    fields |= bad.get("__annotations__", {})
    body |= {"__annotations__": fields, "__doc__": bad.get("__doc__", "Toy scans.")}
    body.setdefault("source", bad.get("source", setting("DIR", "toy scans")))
    kind = type("Toy", (), body)
    return kind if bad.get("bare") else dataclasses.dataclass(frozen=True)(kind)


@pytest.mark.parametrize(
    ("bad", "fault"),
    [
        ({"bare": True}, "it is no frozen dataclass"),
        ({"__annotations__": {"depth": int}, "depth": 3}, "Toy.depth is no `records"),
        ({"__doc__": " "}, "it has no docstring"),
        ({"source": setting("DIR", "")}, "--source has no help"),
        (
            {"__annotations__": {"echo": int}, "echo": setting("N", "x", parse=int)},
            "--echo is read otherwise by another entry",
        ),
        ({"brings": None}, "it does not say what it brings"),
        ({"brings": ("label",)}, "it does not say what it brings"),
        ({"label_names": None}, "it has no label_names"),
        ({"describe": None}, "it has no describe()"),
        ({"subjects": lambda self: iter(())}, "it has no subjects(seed)"),
    ],
)
def test_a_planted_bad_dataset_is_found(bad, fault):
    assert faults(_Good, DATASETS) == []
    found = faults(_planted(bad), DATASETS)
    assert any(text.startswith(fault) for text in found), found


def test_a_planted_bad_runner_is_found():
    @dataclasses.dataclass(frozen=True)
    class Listing:
        """Does it at once."""

        def run(self, work, plans, advance):
            return [work(plan, advance=advance) for plan in plans]

    assert faults(Listing, RUNNERS) == [
        "run is no generator, which is closed when work is given up"
    ]
    Listing.run = lambda self, work: iter(())
    assert faults(Listing, RUNNERS) == ["it has no run(work, plans, advance)"]


def test_a_planted_heavy_module_is_found(tmp_path):
    (tmp_path / "toy.py").write_text("import nibabel")
    assert "nibabel" in heavy_imports("toy", folder=tmp_path)


# What an example of each dataset consists of: all that it may bring is in it.


def _folder(root, write_stack, make_volume, make_label, save_nifti):
    for number in range(3):
        image = make_volume(seed=number)
        path = save_nifti(root / "scans" / f"{number}.nii.gz", image)
        path.with_name(f"{number}.json").write_text('{"EchoTime": 0.0352}')
        save_nifti(root / "masks" / f"{number}.nii.gz", make_label(image))
    grades = root / "grades.csv"
    grades.write_text("subject,acl,kl_grade\n0,1,0\n1,0,4\n2,0,-2\n")
    return {
        "grades": grades,
        "source": root / "scans",
        "labels": root / "masks",
        "label_names": "1=cartilage,2=bone,3=meniscus",
    }


def _oai(root, write_stack, make_volume, make_label, save_nifti):
    rows = []
    for person in ("9001104", "9002116", "9003815"):
        folder = f"0.C.2/{person}/20041118/10296205"
        (root / "oai" / folder).parent.mkdir(parents=True)
        write_stack(
            (root / "oai" / folder).relative_to(root.parent),
            each=lambda n: {"position": (-4 * n, 0, 0), "name": f"{n + 1:03d}"},
            SeriesDescription="SAG_3D_DESS_LEFT",
            # Rows grow to the back, columns downwards (LPS): sagittal.
            ImageOrientationPatient=[0, 1, 0, 0, 0, -1],
            PixelSpacing=[0.5, 0.75],
        )
        rows.append(f"{folder},{person},SAG_3D_DESS_LEFT\n")
        square = np.empty((1, 1), object)
        square[0, 0] = np.array([(0.5, 1.5), (2.5, 1.5), (2.5, 3.5), (0.5, 3.5)])
        data = np.empty((1, 4), [("FemoralCartilage", object)])
        for index in range(4):
            data[0, index] = (square,)
        (root / "labels").mkdir(exist_ok=True)
        scipy.io.savemat(root / "labels" / f"{person}_V00.mat", {"datastruct": data})
    table = root / "oai" / "contents.csv"
    table.write_text("Folder,ParticipantID,SeriesDescription\n" + "".join(rows))
    return {"source": root / "oai", "labels": root / "labels"}


def _iwoai(root, *_):
    rng = np.random.default_rng(0)
    (root / "iwoai").mkdir()
    for split in ("train", "valid", "test"):
        for suffix, array in {
            "im": rng.integers(0, 500, (8, 7, 6)),
            "seg": rng.integers(0, 2, (8, 7, 6, 6)),
        }.items():
            path = root / "iwoai" / f"{split}_001_V00.{suffix}"
            with h5py.File(path, "w") as file:
                file.create_dataset("data", data=array)
    return {"source": root / "iwoai"}


def _mrnet(root, *_):
    rng = np.random.default_rng(0)
    for folder, exams in {"train": ("0000", "0001"), "valid": ("1130",)}.items():
        for plane in ("axial", "coronal", "sagittal"):
            (root / "mrnet" / folder / plane).mkdir(parents=True)
            for exam in exams:
                array = rng.integers(0, 256, (3, 256, 256), np.uint8)
                np.save(root / "mrnet" / folder / plane / f"{exam}.npy", array)
        for number, label in enumerate(("abnormal", "acl", "meniscus")):
            rows = "".join(f"{exam},{int(number < 1)}\n" for exam in exams)
            (root / "mrnet" / f"{folder}-{label}.csv").write_text(rows)
    return {"source": root / "mrnet"}


def _phantom(*_):
    return {
        "num_subjects": 1,  # one takes seconds to draw
        "split": "100,0,0",
        "phantom_shape": "30,30,24",
        "phantom_spacing_mm": "3,3,3",
        "second_echo_ms": "30",
        "lesions": "cartilage,meniscus,marrow",
        "lesion_share": "1",
    }


def _painted(root, write_stack, make_volume, make_label, save_nifti):
    for number in range(3):
        array = np.zeros((24, 24, 16), np.uint8)
        array[6:12, 4:20, 3:13] = 5
        array[12:14, 4 + number : 20, 3:13] = 1
        label = Volume(array, affine_along_axes("IPR", (3.0, 3.0, 4.0)))
        save_nifti(root / "maps" / f"{number}.nii.gz", label)
    return {
        "labels": root / "maps",
        "label_names": "1=femoral cartilage,5=femur",
        "num_images": "3",
    }


def _rois(root, *_):
    knees = write_slab_knees(root / "knees", train=1, validation=1, test=1)
    return {"source": knees, "regions": "cartilage"}


EXAMPLES = {
    "folder": _folder,
    "oai": _oai,
    "iwoai": _iwoai,
    "phantom": _phantom,
    "painted": _painted,
    "mrnet": _mrnet,
    "rois": _rois,
}


def test_every_dataset_has_an_example():
    assert EXAMPLES.keys() == DATASETS.keys()


@pytest.fixture
def example(tmp_path, write_stack, make_volume, make_label, save_nifti):
    """What converts an example, from its flags."""

    def make(name):
        root = tmp_path / "example"
        root.mkdir()
        given = EXAMPLES[name](root, write_stack, make_volume, make_label, save_nifti)
        command = ["records", "convert", f"--dataset={name}", "--output=out"]
        flags = cli.parse_flags([*command, *(f"--{k}={v}" for k, v in given.items())])
        dataset = _make(DATASETS[name], flags)
        return conversion.Recipe(name, dataset, split=flags.split, seed=4)

    return make


def _labels(dataset):
    """The name of the array that only a dataset of label maps has."""
    return ["label"] if dataset.label_names else []


@pytest.mark.parametrize("name", DATASETS)
def test_every_dataset_brings_what_it_declares(name, example, tmp_path):
    recipe = example(name)
    dataset = recipe.dataset
    found = list(dataset.subjects(seed=4))
    assert all(isinstance(subject, Subject) for subject in found)
    assert pickle.loads(pickle.dumps(found)) == found  # noqa: S301
    assert list(dataset.subjects(seed=4)) == found
    for subject in found:
        assert subject.grades.items() <= subject.load().scalars.items()
    assert all(isinstance(line, str) for line in dataset.describe())
    folder = str(tmp_path / "records")
    made = conversion.convert(recipe, folder)
    assert verification.verify(folder) == []
    entries = [entry for shard in made.all_shards for entry in shard.subjects]
    arrays = {array for entry in entries for array in entry.arrays}
    scalars = {scalar for entry in entries for scalar in entry.scalars}
    assert arrays == {"image", *_labels(dataset), *dataset.brings.arrays}
    assert scalars == dataset.brings.scalars.keys()
    assert (
        str(tmp_path)
        not in (tmp_path / "records" / manifest.FILE).read_text().split('"shards"')[1]
    )


@pytest.mark.parametrize("name", DATASETS)
def test_what_every_dataset_brings_is_read_back(name, example, tmp_path):
    recipe = example(name)
    folder = str(tmp_path / "records")
    made = conversion.convert(recipe, folder)
    dataset = recipe.dataset
    brings = dataset.brings
    needs = (*_labels(dataset), *brings.arrays, *brings.scalars, "subject")
    elements, stored = {}, {}
    for split in (split for split, count in made.counts.items() if count):
        for element in reader.dataset(folder, split, needs=needs).as_numpy_iterator():
            elements[element["subject"].decode()] = element
        stored |= {each.subject: each for each in reader.subjects(folder, split)}
    assert elements.keys() == stored.keys()
    for subject in dataset.subjects(recipe.seed):
        scan, read = subject.load(), stored[subject.id]
        assert read.scalars == scan.scalars
        for scalar, value in scan.scalars.items():
            told = elements[subject.id][scalar]
            assert (told.decode() if isinstance(value, str) else told) == value
        labels = dict.fromkeys(_labels(dataset), scan.label)
        given = {"image": scan.image, **labels, **scan.arrays}
        for array, volume in given.items():
            restored = read.arrays[array].restore()
            np.testing.assert_array_equal(restored.array, volume.array)
            np.testing.assert_allclose(restored.affine, volume.affine, atol=1e-9)
            if array in needs:
                canonical = nib.as_closest_canonical  # nibabel's way to one order
                as_read = nib.Nifti1Image(
                    elements[subject.id][array].astype("f4"), read.image.affine
                )
                as_given = nib.Nifti1Image(volume.array.astype("f4"), volume.affine)
                np.testing.assert_array_equal(
                    canonical(as_read).dataobj, canonical(as_given).dataobj
                )


@pytest.mark.parametrize("name", RUNNERS)
def test_every_runner_writes_the_same(name, example, tmp_path, content_of):
    if name == "beam":
        pytest.importorskip("apache_beam")
    recipe = dataclasses.replace(example("iwoai"), num_shards=2)
    conversion.convert(recipe, str(tmp_path / "alone"))
    conversion.convert(recipe, str(tmp_path / name), RUNNERS[name]())
    assert content_of(tmp_path / name) == content_of(tmp_path / "alone")

r"""T2, T2*, T1rho of each voxel, and in cartilage by region and layer.

    deepresolve relaxometry --input=ECHOES --output=T2.nii.gz
    deepresolve relaxometry --input=ECHOES --kind=t1rho --times_ms=0,10,40,80 \
        --output=T1rho.nii.gz
    deepresolve relaxometry --input=ECHOES --output=T2.nii.gz --label_map=LABELS \
        --workdir=pretrained:seg_knee --table=T2.csv

ECHOES is a folder or zip of DICOM files with the echoes in one series or several, a 4D
NIfTI file, a folder of scans with an echo each, or several paths with commas. Times are
those of the headers, or --times_ms, one for each volume in the order of path, series
and number; spin locks have no element in DICOM.

T2.nii.gz is the map in ms, T2_error.nii.gz its standard error in ms, T2_r2.nii.gz the
share of the echoes' variance that the fit explains; 0 where there is none. With
--output_format=dicom the map becomes a derived series in the folder --output, in the
study of its DICOM scan; with --output_format=parametric_map the file --output, .dcm, a
parametric map of floats there (extra dicom-seg).

--kind=dess takes the two echoes of a double echo in steady state. TR, TE, the flip
angle and GE's spoiler are those of the header, or of the flags; the command says which.

With a label map, on whatever grid of the same session, cartilage is measured as
`deepresolve measure` does, with its --side and --weight_bearing; --table gets a line
for each plate and region, whole and of its deep and superficial half. See
docs/relaxometry.md.
"""

from __future__ import annotations

import itertools
import os
import pathlib
import sys
from typing import TYPE_CHECKING

from absl import flags

from deepresolve.commands import label_flags
from deepresolve.system import path_flags, paths

if TYPE_CHECKING:
    from collections.abc import Mapping

    from deepresolve.imaging.echoes import DoubleEcho, Echoes
    from deepresolve.quantification.relaxation.layers import Layers
    from deepresolve.quantification.relaxation.maps import Fit, RelaxationMap
    from deepresolve.tasks.prediction import TableKind

FLAGS = flags.FLAGS
# By --output_format, how a file's name ends; a DICOM series is a folder.
_ENDINGS = {"nifti": (".nii", ".nii.gz"), "parametric_map": (".dcm",)}

flags.adopt_module_key_flags(label_flags)  # so that --help lists them
path_flags.define("input", None, "Echoes: folder, 4D file, or paths with commas.")
path_flags.define("output", None, "Map to write, .nii, .nii.gz or .dcm; or a folder.")
flags.DEFINE_enum("kind", "t2", ["t2", "t2star", "t1rho", "dess"], "What to measure.")
flags.DEFINE_list("times_ms", None, "Times of the volumes, where headers tell none.")
flags.DEFINE_list("series", [], "DICOM: those that hold the echoes; all without it.")
flags.DEFINE_bool(
    "skip_first",
    None,
    "Leave the first echo out; without it, of T2 from three echoes or more.",
)
flags.DEFINE_enum(
    "method", "log_linear", ["log_linear", "nonlinear"], "How a decay is fitted."
)
flags.DEFINE_float(
    "noise",
    None,
    "Standard deviation of the echoes; 0 is not known; without it, from the air.",
    0.0,
)
flags.DEFINE_float("most_ms", None, "Longer is none; by default 100, T1rho 500.", 0.0)
flags.DEFINE_float("least_r2", 0.7, "What fits worse is no decay.", 0.0, 1.0)
flags.DEFINE_enum(
    "output_format", "nifti", ["nifti", "dicom", "parametric_map"], "What to write."
)
path_flags.define("label_map", None, "Label map of the knee, for --table.")
path_flags.define("table", None, "Table to write or to add to, .csv.")
flags.DEFINE_float("tr_ms", None, "DESS: repetition time.", 0.0)
flags.DEFINE_float("te_ms", None, "DESS: echo time of the first echo.", 0.0)
flags.DEFINE_float("flip_degrees", None, "DESS: flip angle.", 0.0, 180.0)
flags.DEFINE_float("t1_ms", 1200.0, "DESS: T1, assumed; of femoral cartilage.", 0.0)
flags.DEFINE_float("spoiler_area", None, "DESS: of the spoiler, us gauss/cm.", 0.0)
flags.DEFINE_float("spoiler_us", None, "DESS: duration of the spoiler, us.", 0.0)
flags.mark_flags_as_required(["input", "output"])


def run() -> None:
    """Makes the map, writes it, and the table where one is asked for."""
    inputs = _inputs()
    _check_apart(inputs)
    _check()
    names = None
    if FLAGS.label_map is not None:
        names = label_flags.names()
    # After the flags: SciPy and nibabel take longer to load than --help may take.
    from deepresolve.prediction import scan_tables
    from deepresolve.quantification.relaxation import maps

    if FLAGS.table is not None:
        # Refuses another table before any work is done.
        scan_tables.read(pathlib.Path(FLAGS.table), _table_kind())
    fit = maps.Fit(
        *(FLAGS.method, FLAGS.skip_first, FLAGS.noise, FLAGS.most_ms, FLAGS.least_r2),
        FLAGS.t1_ms,
    )
    echoes, found = _made(inputs, fit)
    for note in found.notes:
        print(f"note: {note}", file=sys.stderr)
    layers = None if names is None else _layers(names, found)
    if FLAGS.output_format == "nifti":
        _write_nifti(found)
    else:
        _write_dicom(echoes, found)
    if layers is not None:
        _write_table(layers, found)
    print(f"{FLAGS.output}: {found.summary}")


def _inputs() -> list[str]:
    """The paths of --input: one that exists may have commas in its name."""
    if pathlib.Path(FLAGS.input).exists():
        return [FLAGS.input]
    inputs = [path_flags.expand(part) for part in FLAGS.input.split(",")]
    for each in inputs:
        paths.check_input("--input", each)
    return inputs


def _outputs() -> list[pathlib.Path]:
    """The map and what goes beside it: all that may be written but the table."""
    output = pathlib.Path(FLAGS.output)
    if FLAGS.output_format != "nifti":
        return [output]
    from deepresolve.prediction import placement

    return [output, *(placement.further_path(output, name) for name in _BESIDE)]


def _check_apart(inputs: list[str]) -> None:
    """ValueError where something is to be read and written, or written twice."""
    outputs = [str(path) for path in _outputs()]
    for output, each in itertools.product(outputs, inputs):
        paths.check_apart(output, each)
    named = [("--input", each) for each in inputs]
    named += [("--output", output) for output in outputs]
    further = ("--label_map", FLAGS.label_map), ("--table", FLAGS.table)
    named += [(flag, path) for flag, path in further if path is not None]
    for (flag, path), (other_flag, other) in itertools.combinations(named, 2):
        one, two = pathlib.Path(path).resolve(), pathlib.Path(other).resolve()
        is_within = one in two.parents or two in one.parents
        # An input's folder may hold the label map and the table.
        if one == two or (is_within and flag != "--input"):
            raise ValueError(
                f"{flag} ({path}) and {other_flag} ({other}) are one file, or one "
                "lies in the other. Name another."
            )


# Maps that go beside that of the times.
_BESIDE = ("error", "r2")
# Flags that a label map alone has a use for.
_OF_LABEL_MAP = ("workdir", "label_names", "side", "weight_bearing")
# Flags that some kinds alone have a use for.
_OF_DECAYS = ("times_ms", "skip_first", "method", "least_r2")
_OF_DESS = ("tr_ms", "te_ms", "flip_degrees", "t1_ms", "spoiler_area", "spoiler_us")


def _check() -> None:
    """ValueError of flags that cannot be together, before anything is read."""
    paths.check_output(FLAGS.output)
    output = FLAGS.output.lower()
    formats = (name for name, ends in _ENDINGS.items() if output.endswith(ends))
    if next(formats, "dicom") != FLAGS.output_format:
        raise ValueError(
            f"--output={FLAGS.output}: a NIfTI map's name ends in .nii or .nii.gz, a "
            "DICOM series is a folder (--output_format=dicom), and a parametric map's "
            "name ends in .dcm (--output_format=parametric_map)."
        )
    if FLAGS.output_format == "parametric_map":
        from deepresolve.imaging.dicom_output import extra

        extra.highdicom("Maps as DICOM", "Or write NIfTI.")
    if (FLAGS.label_map is None) != (FLAGS.table is None):
        raise ValueError("--label_map and --table go together: give both or neither.")
    given = [f"--{name}" for name in _OF_LABEL_MAP if FLAGS[name].present]
    if FLAGS.label_map is None and given:
        raise ValueError(f"{', '.join(given)}: only with --label_map.")
    label_flags.check()
    if FLAGS.label_map is not None:
        paths.check_input("--label_map", FLAGS.label_map)
        paths.check_output(FLAGS.table)
        if pathlib.Path(FLAGS.table).suffix.lower() != ".csv":
            raise ValueError(f"--table={FLAGS.table}: a table's name ends in .csv.")
    is_dess = FLAGS.kind == "dess"
    foreign = _OF_DECAYS if is_dess else _OF_DESS
    if given := [f"--{name}" for name in foreign if FLAGS[name].present]:
        kinds = "t2, t2star and t1rho" if is_dess else "dess"
        raise ValueError(f"{', '.join(given)}: for --kind={kinds} alone.")


def _made(inputs: list[str], fit: Fit) -> tuple[Echoes | DoubleEcho, RelaxationMap]:
    from deepresolve.imaging.formats import double_echo, echo_files
    from deepresolve.quantification.relaxation import maps

    series = tuple(FLAGS.series)
    if FLAGS.kind == "dess":
        given = double_echo.Sequence(
            *(FLAGS.tr_ms, FLAGS.te_ms, FLAGS.flip_degrees),
            *(FLAGS.spoiler_area, FLAGS.spoiler_us),
        )
        double = double_echo.read_double_echo(inputs, given, series=series)
        return double, maps.of_double_echo(double, fit)
    times_ms = None
    if FLAGS.times_ms is not None:
        times_ms = [_number(text) for text in FLAGS.times_ms]
    echoes = echo_files.read_echoes(
        inputs, times_ms, times=maps.KINDS[FLAGS.kind].times, series=series
    )
    return echoes, maps.of_echoes(echoes, FLAGS.kind, fit)


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise ValueError(
            "--times_ms: expected numbers with commas, such as 0,10,40,80; got "
            f"{text!r}."
        ) from None


def _write_nifti(found: RelaxationMap) -> None:
    from deepresolve.imaging.formats import nifti
    from deepresolve.quantification.relaxation import maps

    target, *beside = _outputs()
    # An earlier map's, which this one may have none of.
    for path in beside:
        path.unlink(missing_ok=True)
    title = maps.KINDS[found.kind].title
    nifti.write(
        target, maps.without_nan(found.time_ms), f"{title}, ms ({found.method})"
    )
    texts = f"standard error of {title}, ms", f"r2 of the fit of {title}"
    volumes = found.error_ms, found.r2
    for path, volume, text in zip(beside, volumes, texts, strict=True):
        if volume is not None:
            nifti.write(path, maps.without_nan(volume), text)


def _write_dicom(echoes: Echoes | DoubleEcho, found: RelaxationMap) -> None:
    from deepresolve.imaging.dicom_output import map_kinds
    from deepresolve.imaging.dicom_output.maps import write_map_series
    from deepresolve.imaging.dicom_output.parametric_map import write_parametric_map
    from deepresolve.imaging.dicom_output.processing import Processing
    from deepresolve.imaging.dicom_output.source import read_source
    from deepresolve.quantification.relaxation import maps

    kind = {
        "t2star": map_kinds.T2STAR,
        "t1rho": map_kinds.T1RHO,
    }.get(found.kind, map_kinds.T2)
    sources = [read_source(path, choice=choice) for path, choice in echoes.origins]
    told = " ".join(found.notes)
    processing = Processing(f"{kind.title} map", found.method, derivation=told)
    target = pathlib.Path(FLAGS.output)
    if FLAGS.output_format == "parametric_map":
        write_parametric_map(target, found.time_ms, kind, sources, processing)
    else:
        volume = maps.without_nan(found.time_ms)
        write_map_series(target, volume, kind, sources, processing)


def _layers(names: Mapping[int, str], found: RelaxationMap) -> Layers:
    """Where the map's voxels lie in the label map's cartilage; tells notes."""
    from deepresolve.imaging import formats
    from deepresolve.quantification.knee import measure
    from deepresolve.quantification.relaxation import layers

    image = formats.read_image(FLAGS.label_map)
    path = pathlib.Path(FLAGS.label_map)
    label_map = formats.read_label_map(path, image=image)
    knee = measure(label_map, names, FLAGS.weight_bearing, FLAGS.side)
    result = layers.of_knee(knee, label_map, names, found.time_ms)
    for note in (*knee.notes, *result.notes):
        print(f"note: {FLAGS.label_map}: {note}", file=sys.stderr)
    return result


def _table_kind() -> TableKind:
    from deepresolve.quantification.relaxation.table import QUANTITIES
    from deepresolve.tasks.prediction import TableKind

    columns = dict.fromkeys(("place", "layer", "kind", "method"), str)
    return TableKind("relaxation times", {**columns, **QUANTITIES})


def _write_table(layers: Layers, found: RelaxationMap) -> None:
    from deepresolve.prediction import scan_tables
    from deepresolve.quantification.relaxation.table import QUANTITIES, rows

    told = [
        (
            *(_name(), row["place"], row["layer"], found.kind, found.method),
            *(row[quantity] for quantity in QUANTITIES),
        )
        for row in rows(layers, found)
    ]
    scan_tables.add(pathlib.Path(FLAGS.table), _table_kind(), told)


def _name() -> str:
    """The map's: its path as seen from the table, without an ending."""
    from deepresolve.prediction import placement

    output = pathlib.Path(FLAGS.output)
    folder = os.path.relpath(output.parent, pathlib.Path(FLAGS.table).parent)
    return (pathlib.Path(folder) / placement.without_ending(output)).as_posix()

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
for each plate and region, whole and of its deep and superficial half. What its values
mean a DICOM segmentation says itself; of others --workdir or --label_names does. See
docs/relaxometry.md.
"""

from __future__ import annotations

import itertools
import pathlib
import sys
from typing import TYPE_CHECKING

from absl import flags

from deepresolve.commands import label_flags
from deepresolve.system import path_flags, paths

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from deepresolve.imaging.echoes import DoubleEcho, Echoes
    from deepresolve.quantification.relaxation.layers import Layers
    from deepresolve.quantification.relaxation.maps import RelaxationMap

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
    names = None if FLAGS.label_map is None else _names()
    if FLAGS.table is not None:
        # Refuses another table before any work is done.
        from deepresolve.prediction import relaxation_table, scan_tables

        scan_tables.read(pathlib.Path(FLAGS.table), relaxation_table.TABLE)
    echoes, found = _made(inputs)
    _tell(found.notes)
    layers = None if names is None else _layers(names, echoes)
    _write(found, echoes)
    if layers is not None:
        _write_table(layers, found)
    print(f"{FLAGS.output}: {found.summary}")


def _names() -> Mapping[int, str]:
    """What the label map's values mean; empty where it is to tell that itself."""
    from deepresolve.imaging.formats import segmentations

    return label_flags.names(are_told=segmentations.is_one(FLAGS.label_map))


def _tell(notes: Iterable[str], about: str = "") -> None:
    for note in notes:
        print(f"note: {about}{note}", file=sys.stderr)


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
    # After the flags: SciPy and nibabel take longer to load than --help may take.
    from deepresolve.prediction import relaxation_files

    return relaxation_files.nifti_paths(output)


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


def _made(inputs: list[str]) -> tuple[Echoes | DoubleEcho, RelaxationMap]:
    from deepresolve.imaging.formats import double_echo, echo_files
    from deepresolve.quantification.relaxation import maps

    fit = maps.Fit(
        *(FLAGS.method, FLAGS.skip_first, FLAGS.noise, FLAGS.most_ms, FLAGS.least_r2),
        FLAGS.t1_ms,
    )
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


def _layers(names: Mapping[int, str], echoes: Echoes | DoubleEcho) -> Layers:
    """Where the map's voxels lie in the label map's cartilage; tells notes."""
    from deepresolve.prediction import relaxation_table
    from deepresolve.prediction.measured_map import Settings

    settings = Settings(names, FLAGS.weight_bearing, FLAGS.side)
    path = pathlib.Path(FLAGS.label_map)
    layers, notes = relaxation_table.layers_of(path, settings, echoes)
    _tell(notes, f"{path}: ")
    return layers


def _write(found: RelaxationMap, echoes: Echoes | DoubleEcho) -> None:
    from deepresolve.prediction import relaxation_files

    output = pathlib.Path(FLAGS.output)
    if FLAGS.output_format == "nifti":
        relaxation_files.write_nifti(output, found)
    else:
        relaxation_files.write_dicom(output, found, echoes)


def _write_table(layers: Layers, found: RelaxationMap) -> None:
    from deepresolve.prediction import relaxation_table, scan_tables

    table = pathlib.Path(FLAGS.table)
    name = relaxation_table.name_of(pathlib.Path(FLAGS.output), table)
    rows = relaxation_table.rows(name, found, layers)
    scan_tables.add(table, relaxation_table.TABLE, rows)

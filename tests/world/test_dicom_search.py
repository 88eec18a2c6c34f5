"""A search among series: n readable slices are n slices in their places, or named."""

import dataclasses
import pathlib
import tempfile

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from world import scans

from deepresolve.imaging import formats
from deepresolve.imaging.dicom_output.source import read_source
from deepresolve.imaging.formats.choice import Choice

OBLIQUE = np.linalg.qr([[0.3, 0.9, -0.1], [0.2, -0.1, 1.0], [1.0, 0.3, 0.2]])[0]


@dataclasses.dataclass(frozen=True)
class Series:
    """What a series is like; each field is one that scanners or exports differ in."""

    num_slices: int
    order: tuple[int, ...]
    axes: np.ndarray
    step_mm: float
    decimals: int
    num_echoes: int
    kind: str
    shared: tuple[str, ...]
    removed: int | None
    copied: bool
    interleaved: bool

    def place_mm(self, index):
        return np.array([-31.4, 27.1, 5.6]) + index * self.step_mm * self.normal

    @property
    def normal(self):
        return np.cross(*self.axes[:2])

    def pixels(self, index, echo):
        """Each voxel of the series has a value of its own."""
        row, column = np.indices((5, 4))
        return (1000 * echo + 50 * index + 4 * row + column).astype(np.uint16)


@st.composite
def series(draw):
    num_slices = draw(st.integers(3, 7))
    # Of three slices without the second two are left, as far apart as they may be.
    inner = st.integers(1, num_slices - 2) if num_slices > 3 else st.none()
    permutation = draw(st.permutations(range(3)))
    axes = np.eye(3)[permutation] if draw(st.booleans()) else OBLIQUE[permutation]
    macros = ("PlaneOrientation", "PixelMeasures", "MREcho")
    num_echoes = draw(st.sampled_from([1, 1, 2, 3]))
    return Series(
        num_slices=num_slices,
        order=tuple(draw(st.permutations(range(num_slices)))),
        axes=axes * draw(st.sampled_from([1, -1])),
        step_mm=draw(st.sampled_from([0.7, 1.0, 3.3, 4.0])),
        decimals=draw(st.sampled_from([2, 3, 6])),
        num_echoes=num_echoes,
        kind=draw(st.sampled_from(["classic", "one file", "files", "parts"])),
        shared=macros[: draw(st.integers(0, 2 + (num_echoes == 1)))],
        removed=draw(st.none() | inner),
        copied=draw(st.booleans()),
        interleaved=draw(st.booleans()),
    )


def write(made, folder):
    """Writes the series, and a copy of one of its files."""
    slices = [
        (index, echo)
        for index in made.order
        for echo in range(made.num_echoes)
        if index != made.removed
    ]
    if not made.interleaved:
        slices.sort(key=lambda each: each[1])
    if made.kind == "classic":
        for number, (index, echo) in enumerate(slices):
            _write_classic(made, folder / f"{number}.dcm", number, index, echo)
    else:
        _write_enhanced(made, folder, [_frame(made, *each) for each in slices])
    if made.copied:
        file = sorted(folder.iterdir())[-1]
        (folder / "a copy.dcm").write_bytes(file.read_bytes())


def _write_classic(made, path, number, index, echo):
    dataset = scans.dicom_slice(made.pixels(index, echo), number)
    dataset.ImagePositionPatient = _written(made.place_mm(index), made.decimals)
    dataset.ImageOrientationPatient = _written(made.axes[:2].ravel(), 6)
    dataset.EchoTime = 10.0 * (echo + 1)
    dataset.EchoNumbers = echo + 1
    scans.save_dicom(dataset, path)


def _frame(made, index, echo):
    position = {"ImagePositionPatient": _written(made.place_mm(index), made.decimals)}
    axes = {"ImageOrientationPatient": _written(made.axes[:2].ravel(), 6)}
    return scans.frame_of(
        made.pixels(index, echo),
        index,
        PlanePosition=position,
        PlaneOrientation=axes,
        MREcho={"EffectiveEchoTime": 10.0 * (echo + 1)},
    )


def _write_enhanced(made, folder, frames):
    size = {"one file": len(frames), "files": 1, "parts": 2}[made.kind]
    starts = range(0, len(frames), size)
    for number, start in enumerate(starts, start=1):
        tags = {"SOPInstanceUID": f"{scans.UID_ROOT}6.{number}"}
        if made.kind == "parts":
            tags |= {
                "ConcatenationUID": f"{scans.UID_ROOT}7",
                "InConcatenationNumber": number,
                "InConcatenationTotalNumber": len(starts),
            }
        part = frames[start : start + size]
        scans.save_enhanced(folder / f"{number}.dcm", part, made.shared, **tags)


def _written(values, decimals):
    return [f"{x:.{decimals}f}" for x in values]


@settings(deadline=None, max_examples=25, derandomize=True)
@given(series())
def test_every_slice_is_in_its_place_or_named(made):
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        write(made, folder)
        if made.num_echoes > 1:
            with pytest.raises(ValueError, match=f"holds {made.num_echoes} echo"):
                formats.read_image(folder)
        for echo in range(made.num_echoes):
            choice = Choice(echo=echo + 1)
            if made.removed is not None:
                with pytest.raises(ValueError, match="1 missing, at"):
                    formats.read_image(folder, choice=choice)
                continue
            volume = formats.read_image(folder, choice=choice)
            _assert_in_place(made, volume, echo)


def _assert_in_place(made, volume, echo):
    expected = [made.pixels(n, echo).T for n in range(made.num_slices)]
    np.testing.assert_array_equal(volume.array, np.stack(expected, axis=2))
    for index in range(made.num_slices):
        place = volume.affine @ [0, 0, index, 1] * (-1, -1, 1, 1)
        np.testing.assert_allclose(
            place[:3], made.place_mm(index), atol=1.2 * 10.0**-made.decimals
        )


@settings(deadline=None, max_examples=15, derandomize=True)
@given(
    st.integers(3, 30),
    st.sampled_from([0.5, 0.7, 1.0, 2.2, 3.3, 4.0]),
    st.integers(0, 3),
    st.tuples(*[st.floats(-1, 1)] * 3).filter(lambda v: np.linalg.norm(v) > 0.1),
    st.integers(0, 1000),
)
def test_rounding_hides_no_missing_slice(num_slices, step_mm, decimals, normal, seed):
    """Rounded places are read or refused; with one missing they are always refused."""
    normal = np.array(normal) / np.linalg.norm(normal)
    row = np.cross(normal, np.eye(3)[np.argmin(np.abs(normal))])
    row /= np.linalg.norm(row)
    axes = np.stack([row, np.cross(normal, row), normal])
    made = Series(
        *(num_slices, tuple(range(num_slices)), axes, step_mm, decimals, 1),
        *("classic", (), None, False, False),
    )
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        write(made, folder)
        half_mm = 0.5 * 10.0**-decimals
        readable = 2 * half_mm * np.abs(normal).sum() <= 0.2 * step_mm
        if readable:
            _assert_in_place(made, formats.read_image(folder), 0)
        missing = 1 + seed % (num_slices - 2)
        (folder / f"{missing}.dcm").unlink()
        if num_slices > 3:
            with pytest.raises(ValueError, match=r"missing|choose|Choose"):
                formats.read_image(folder)


@settings(deadline=None, max_examples=30, derandomize=True)
@given(st.booleans(), st.integers(0, 3), st.floats(0, 1), st.integers(0, 255))
def test_any_byte_of_a_header_may_be_wrong(is_enhanced, number, share, value):
    """The scan is whole, or the error begins with its path; no library's own error."""
    array = scans.knee((12, 14, 4)).astype(np.uint16)
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        if is_enhanced:
            frames = [scans.frame_of(array[:, :, n].T, n) for n in range(4)]
            file = scans.save_enhanced(folder / "IM1", frames)
        else:
            scans.dicom_stack(folder, array)
            file = folder / f"IM000{number + 1}.dcm"
        end = file.read_bytes().index(b"\xe0\x7f\x10\x00")  # The pixels' tag.
        scans.patch(file, 132 + int(share * (end - 132)), bytes([value]))
        for reader in (formats.read_image, read_source):
            try:
                found = reader(folder)
            except ValueError as error:
                assert str(error).startswith(str(folder))
            else:
                num_slices = getattr(found, "num_slices", None)
                assert num_slices == 4 or len(found.headers) == 4

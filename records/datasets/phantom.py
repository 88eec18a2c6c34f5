"""Synthetic knees, for demos and tests: labelled, seeded, nobody's."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import math
from collections.abc import Iterator
from typing import ClassVar

import numpy as np

import deepresolve
from deepresolve.system import entry
from records.settings import length, lengths, setting, whole_numbers
from records.subject import Brings, Scan, Subject

# The tissues whose thickness is told.
_CARTILAGES = (
    *("femoral cartilage", "medial tibial cartilage", "lateral tibial cartilage"),
    "patellar cartilage",
)


def _scalar(tissue: str) -> str:
    return f"thickness_mm_{tissue.replace(' ', '_')}"


@dataclasses.dataclass(frozen=True)
class Phantom:
    """A study of synthetic knees, right and left in turn, each its own person.

    Each brings the true thickness of its cartilages: the array `thickness_mm`, float32
    mm at the voxels that a cartilage covers, along the normal of the bone below, 0
    elsewhere; and of each cartilage in the field of view the scalar
    `thickness_mm_TISSUE`, its mean over the bone that it covers. A layer over an area
    has voxels in proportion to area times thickness, so that the mean over the area is
    the harmonic mean over voxels.

    With `second_echo_ms` each brings a second spin echo: the array `second_echo`, how
    much later it comes as the scalar `echo_spacing_ms`, and `t2_ms`, float32, the true
    T2 of the voxels that a cartilage covers, 0 elsewhere.

    Attributes:
      num_subjects: number of knees.
      phantom_shape: voxels of a knee to the back, down and across (slices).
      phantom_spacing_mm: distance between voxel centres along those axes, in mm.
      second_echo_ms: how much later than the image a second echo comes; None: there is
        none.
    """

    brings: ClassVar[Brings] = Brings(
        arrays=("thickness_mm", "second_echo", "t2_ms"),
        scalars=dict.fromkeys((*map(_scalar, _CARTILAGES), "echo_spacing_ms"), float),
    )

    num_subjects: int = setting("N", "number of synthetic knees", parse=entry.number)
    phantom_shape: tuple[int, int, int] = setting(
        "I,J,K",
        "voxels to the back, down and across (slices)",
        parse=whole_numbers,
        default=(160, 160, 120),
    )
    phantom_spacing_mm: tuple[float, float, float] = setting(
        "I,J,K",
        "mm between voxel centres along those axes",
        parse=lengths,
        default=(0.75, 0.75, 0.75),
    )
    second_echo_ms: float | None = setting(
        "MS",
        "a second echo so many ms after the image, from which evaluate measures T2",
        parse=length,
        default=None,
    )

    def __post_init__(self) -> None:
        if self.num_subjects < 1:
            raise ValueError(f"num_subjects must be 1 or more; got {self.num_subjects}")
        if self.second_echo_ms is not None and not 0 < self.second_echo_ms < math.inf:
            raise ValueError(
                f"second_echo_ms must be finite and above 0; got {self.second_echo_ms}"
            )

    @property
    def label_names(self) -> dict[int, str]:
        """What each label value means."""
        from deepresolve.simulation import phantom

        return dict(phantom.LABEL_NAMES)

    def describe(self) -> list[str]:
        """How many knees will be made."""
        return [f"{self.num_subjects} synthetic knees"]

    def subjects(self, seed: int) -> Iterator[PhantomSubject]:
        """The knees that belong to `seed`: the same seed, the same knees."""
        for index in range(self.num_subjects):
            name = f"phantom-{index:04d}"
            yield PhantomSubject(
                id=name,
                person=name,
                side=("right", "left")[index % 2],
                seed=int(np.random.SeedSequence([seed, index]).generate_state(1)[0]),
                shape=self.phantom_shape,
                spacing_mm=self.phantom_spacing_mm,
                second_echo_ms=self.second_echo_ms,
            )


@dataclasses.dataclass(frozen=True)
class PhantomSubject(Subject):
    """One synthetic knee, drawn when it is loaded."""

    seed: int = 0
    shape: tuple[int, int, int] = (1, 1, 1)
    spacing_mm: tuple[float, float, float] = (1.0, 1.0, 1.0)
    second_echo_ms: float | None = None

    @property
    def source(self) -> str:
        """The name and seed of the knee."""
        return f"phantom (seed {self.seed})"

    @property
    def num_bytes(self) -> int:
        """Bytes of an int16 image, a uint8 label map and a float32 thickness.

        With a second echo also those of another image and a float32 T2.
        """
        bytes_a_voxel = 7 if self.second_echo_ms is None else 7 + 6
        return bytes_a_voxel * int(np.prod(self.shape))

    def hashes(self) -> tuple[str, str]:
        """A hash of the settings and of the version of the code that draws it."""
        recipe = {**dataclasses.asdict(self), "deepresolve": deepresolve.__version__}
        digest = hashlib.sha256(json.dumps(recipe, sort_keys=True).encode()).hexdigest()
        return digest, digest

    def load(self) -> Scan:
        """Draws the knee, its label map and the thickness of its cartilages."""
        from deepresolve.simulation import phantom

        knee = phantom.knee(
            seed=self.seed,
            side=self.side,
            shape=self.shape,
            spacing_mm=self.spacing_mm,
            later_ms=self.second_echo_ms or 0.0,
        )
        value_of = {name: value for value, name in phantom.LABEL_NAMES.items()}
        found = {
            _scalar(name): knee.thickness_mm.array[knee.label.array == value_of[name]]
            for name in _CARTILAGES
        }
        arrays = {"thickness_mm": knee.thickness_mm}
        scalars = {name: _mean_mm(mm) for name, mm in found.items() if mm.size}
        if knee.second_echo is not None and self.second_echo_ms is not None:
            arrays |= {"second_echo": knee.second_echo, "t2_ms": knee.t2_ms}
            scalars["echo_spacing_ms"] = self.second_echo_ms
        return Scan(image=knee.image, label=knee.label, arrays=arrays, scalars=scalars)


def _mean_mm(thickness_mm: np.ndarray) -> float:
    """Mean over the area of a layer, of the thickness at each of its voxels."""
    return float(1 / np.mean(1 / thickness_mm.astype(np.float64)))

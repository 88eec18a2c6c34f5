"""How probable the tissues of a knee are, beside its label map.

The label map says which tissue a voxel is; probabilities say where between voxels its
surface lies, and where it would lie had cartilage begun at another one than one half.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
from scipy import ndimage

from deepresolve.imaging.volume import Volume
from deepresolve.quantification.parts import BONE, CARTILAGE, Part, parts_of
from deepresolve.quantification.sheets import Shares

# Millimetres by which two grids may differ and be one.
_SAME_GRID_MM = 0.01


class Probabilities(NamedTuple):
    """What is known of each voxel.

    Attributes:
      volumes: by value of the label map, 0 to 1, on its grid; of other values none.
      label_names: what these values mean.
      threshold: at which cartilage begins, above 0 and below 1.
    """

    volumes: Mapping[int, Volume]
    label_names: Mapping[int, str]
    threshold: float = 0.5

    def sagittal(self, medial_first: bool) -> Arrays:
        """The same as arrays of rows, columns and slices, these turned round or not."""
        arrays = {v: of.in_plane("sagittal").array for v, of in self.volumes.items()}
        if medial_first:
            arrays = {value: np.flip(array, 2) for value, array in arrays.items()}
        return Arrays(arrays, parts_of(self.label_names), self.threshold)


class Arrays(NamedTuple):
    """Probabilities in the array that plates are measured in.

    Attributes:
      by_value: (I, J, K) float each.
      known: what the values are.
      threshold: at which cartilage begins.
    """

    by_value: Mapping[int, np.ndarray]
    known: Mapping[int, Part]
    threshold: float

    def shares(self, bone_name: str, elsewhere: np.ndarray) -> Shares:
        """How probable a bone is, and it or the cartilage of one of its plates.

        Args:
          bone_name: "femur", "tibia", "patella".
          elsewhere: (I, J, K) bool, what the label map gives to its other plates.
        """
        bone = self._sum(BONE, bone_name, elsewhere.shape)
        both = bone + self._cartilage(bone_name, elsewhere)
        return Shares(bone, both, self.threshold)

    def shares_on(
        self, bone: np.ndarray, bone_name: str, elsewhere: np.ndarray
    ) -> Shares:
        """The same where no label is the bone: there it is what cartilage is not.

        Args:
          bone: (I, J, K) bool, the side of the cartilage where the bone is.
          bone_name: "femur", "tibia", "patella".
          elsewhere: (I, J, K) bool, what the label map gives to its other plates.
        """
        cartilage = self._cartilage(bone_name, elsewhere)
        side = ndimage.binary_dilation(bone, np.ones((3, 3, 3), bool))
        side &= bone | (cartilage >= self.threshold)
        both = np.where(bone, np.float32(1), cartilage)
        return Shares(np.where(side, 1 - cartilage, 0), both, self.threshold)

    def _cartilage(self, bone_name: str, elsewhere: np.ndarray) -> np.ndarray:
        # Plates of one bone compete: beside the other one it is the sum that counts.
        total = self._sum(CARTILAGE, bone_name, elsewhere.shape)
        total[elsewhere] = 0
        return total

    def _sum(self, kind: str, bone_name: str, shape: tuple[int, ...]) -> np.ndarray:
        total = np.zeros(shape, np.float32)
        for value, of in self.known.items():
            if of[:2] == (kind, bone_name) and value in self.by_value:
                total += self.by_value[value]
        return total


def checked(
    volumes: Mapping[int, Volume] | None,
    label_map: Volume,
    label_names: Mapping[int, str],
) -> Probabilities | None:
    """What is known beside a label map; None where there are no volumes.

    Args:
      volumes: by value of the label map, 0 to 1.
      label_map: on the same grid.
      label_names: what its values mean.

    Raises:
      ValueError: they are no set of probabilities of the label map's values.
    """
    if volumes is None:
        return None
    held = set(np.unique(label_map.array).astype(int).tolist())
    for value, part in parts_of(label_names).items():
        if part.kind in (CARTILAGE, BONE) and value in held - set(volumes):
            raise ValueError(
                f"There is no probability of {label_names[value]!r}. Give that of "
                "every bone and cartilage that the label map holds, as `predict "
                "--probabilities` writes them, or of none."
            )
    for value, volume in volumes.items():
        name = label_names.get(value, str(value))
        apart_mm = np.abs(volume.affine - label_map.affine).max()
        if volume.shape != label_map.shape or apart_mm > _SAME_GRID_MM:
            raise ValueError(
                f"The probability of {name!r} has another grid than the label map: "
                f"{volume.shape} and {label_map.shape} voxels, or another place."
            )
        lowest, highest = float(volume.array.min()), float(volume.array.max())
        if not -1e-3 <= lowest <= highest <= 1 + 1e-3:
            raise ValueError(
                f"Probabilities lie between 0 and 1; those of {name!r} reach from "
                f"{lowest:.3g} to {highest:.3g}."
            )
    return Probabilities(volumes, label_names)


def at_threshold(label_map: Volume, probabilities: Probabilities) -> Volume:
    """The label map, had cartilage begun at another probability than one half.

    Below one half cartilage grows, as far as what is probable enough is joined to it.
    Above, what is less probable becomes bone where that is likelier than neither.

    Args:
      label_map: uint8.
      probabilities: of its values, and at which of them cartilage begins.
    """
    known = parts_of(probabilities.label_names)
    shares = {value: volume.array for value, volume in probabilities.volumes.items()}
    threshold = probabilities.threshold
    array = label_map.array
    cartilage = [v for v, part in known.items() if part.kind == CARTILAGE]
    of_all = np.isin(array, cartilage)
    result = array.copy()
    highest = np.zeros(array.shape, np.float32)
    for value in set(cartilage) & set(shares):
        share, own = shares[value], array == value
        if threshold < 0.5:
            grown = ndimage.binary_propagation(
                own, mask=own | (~of_all & (share >= threshold))
            )
            taken = grown & ~own & (share > highest)
            result[taken] = value
            highest[taken] = share[taken]
        else:
            result[own & (share < threshold)] = 0
    if threshold >= 0.5:
        _fill_with_bone(result, of_all & (result == 0), known, shares)
    return label_map.with_array(result)


def _fill_with_bone(
    result: np.ndarray,
    lost: np.ndarray,
    known: Mapping[int, Part],
    shares: Mapping[int, np.ndarray],
) -> None:
    """Gives lost voxels to the bone that is likelier than nothing there."""
    nothing = 1 - sum(share[lost] for share in shares.values())
    values = result[lost]
    bones = [value for value, part in known.items() if part.kind == BONE]
    for value in bones:
        if value in shares:
            share = shares[value][lost]
            is_likelier = share > nothing
            values[is_likelier] = value
            nothing = np.maximum(nothing, share)
    result[lost] = values

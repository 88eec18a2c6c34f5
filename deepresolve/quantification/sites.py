"""Regions of interest of a knee: where to look closely, and how each piece lies.

Along the cartilage sites lie at even distances on the bone below it, denuded parts
included, as Liu (Radiology 2018;289:160) cut patches along segmented cartilage. Rows of
a piece run out of the bone, as the bone's normal lies in the sagittal plane, so that a
network finds cartilage in the same place of each; slices stay sagittal, for scans of
knees mostly have them thick. Of each meniscus there is one site, the middle of the box
around it, as Pedoia (JMRI 2019;49:400) cropped menisci by their segmentation.

Slices run from medial to lateral in both knees; from right to left where nothing tells
what is medial. Distances and directions are ours.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from nibabel.affines import apply_affine
from scipy.spatial import KDTree

from deepresolve.imaging.volume import Volume
from deepresolve.quantification import places
from deepresolve.quantification.anatomy import MENISCI
from deepresolve.quantification.knee import KneeMeasures
from deepresolve.quantification.parts import parts_of
from deepresolve.quantification.surfaces import Surface
from deepresolve.quantification.unrolled import laid_flat

# Between neighbours along the cartilage: half of what a piece shows of it.
APART_MM = 5.0
# Of a normal of length 1, what lies in the sagittal plane; a surface that looks further
# sideways, such as a wall of the notch, has no direction there.
_LEAST_IN_PLANE = 0.3
# A normal of one vertex follows the steps of voxels, by 20 degrees now and then.
_NORMALS_WITHIN_MM = 4.0
# A lesion is a site's that lies over the bone so near to it. No place where a site can
# be is further from one than APART_MM: no lesion of 2 mm is lost between sites.
REACH_MM = 4.0


class Site(NamedTuple):
    """One place to look at.

    Attributes:
      place: the plate or the meniscus: "F", "MT", "MM", ... (`places.PLACES`).
      region: of the plate: "ccMF", ...; that of a meniscus is itself; "" is none.
      vertex: of the plate's bone; -1 of a meniscus.
      row: where the vertex lies on the plate laid flat (`unrolled`), in degrees or mm;
        NaN of a meniscus.
      column_mm: the same across.
      centre_mm: (3,) x, y, z in the world; on the surface of the bone.
      axes: (3, 3), unit vectors in the world along rows, columns and slices of a piece,
        a line each.
    """

    place: str
    region: str
    vertex: int
    row: float
    column_mm: float
    centre_mm: np.ndarray
    axes: np.ndarray


def along_cartilage(knee: KneeMeasures, apart_mm: float = APART_MM) -> list[Site]:
    """Sites on the bone below each plate, by farthest points (Gonzalez, TCS 1985).

    Args:
      knee: what `knee.measure` gave.
      apart_mm: no two sites of a plate are nearer, in a straight line, and no place
        where a site can be is further from one.
    """
    return [site for name in knee.plates for site in _along_plate(knee, name, apart_mm)]


def _along_plate(knee: KneeMeasures, name: str, apart_mm: float) -> list[Site]:
    bone = knee.plates[name].bone
    in_plane = np.linalg.norm(bone.normals[:, :2], axis=1)  # Down and back.
    least = min(_LEAST_IN_PLANE, in_plane.max())
    (candidates,) = np.nonzero(in_plane >= least)
    spread = farthest_points(bone.vertices[candidates], apart_mm)
    chosen = candidates[spread]
    flat = laid_flat(knee, name)[chosen]
    centres_mm = knee.in_world(bone.vertices[chosen])
    names = ("", *places.REGION_NAMES)
    numbers = places.region_numbers(knee, name)[chosen]
    normals = _mean_normals(bone, chosen)[:, :2]
    down_back = normals / np.linalg.norm(normals, axis=1, keepdims=True)
    return [
        Site(
            place=name,
            region=names[numbers[n]],
            vertex=int(vertex),
            row=float(flat[n, 0]),
            column_mm=float(flat[n, 1]),
            centre_mm=centres_mm[n],
            axes=_axes(knee, *down_back[n]),
        )
        for n, vertex in enumerate(chosen)
    ]


def _mean_normals(bone: Surface, chosen: np.ndarray) -> np.ndarray:
    """Around each of the chosen vertices: (m, 3)."""
    around = KDTree(bone.vertices).query_ball_point(
        bone.vertices[chosen], _NORMALS_WITHIN_MM
    )
    return np.array([bone.normals[near].mean(axis=0) for near in around])


def _axes(knee: KneeMeasures, down: float, back: float) -> np.ndarray:
    """Of rows that run so far down and back, and sagittal slices."""
    to_lateral = -1.0 if knee.side == "right" else 1.0  # The third axis runs left.
    along_scan = [(down, back, 0), (-back, down, 0), (0, 0, to_lateral)]
    return np.array(along_scan) @ knee.affine[:3, :3].T


def farthest_points(points_mm: np.ndarray, apart_mm: float) -> np.ndarray:
    """Points that are as far from each other as any, beginning with the first.

    Args:
      points_mm: (n, 3).
      apart_mm: the next one is nearer than this to those that are chosen: the last.

    Returns:
      (m,) int, which of them, in the order in which they were chosen.
    """
    if not len(points_mm):
        return np.empty(0, int)
    chosen, nearest = [0], np.linalg.norm(points_mm - points_mm[0], axis=1)
    while nearest.max() >= apart_mm:
        chosen.append(int(np.argmax(nearest)))
        away = np.linalg.norm(points_mm - points_mm[chosen[-1]], axis=1)
        nearest = np.minimum(nearest, away)
    return np.array(chosen)


def of_menisci(
    knee: KneeMeasures, label_map: Volume, label_names: Mapping[int, str]
) -> list[Site]:
    """The middle of each meniscus that a label map tells the side of.

    Args:
      knee: what `knee.measure` gave of the label map.
      label_map: it.
      label_names: what each value means, as `knee.measure` was told.
    """
    sagittal = label_map.in_plane("sagittal")
    found = []
    for name, values in _meniscus_values(label_names).items():
        voxels = np.argwhere(np.isin(sagittal.array, values))
        if len(voxels):
            middle = (voxels.min(axis=0) + voxels.max(axis=0)) / 2
            centre = knee.in_world(middle[np.newaxis] * sagittal.spacing_mm)[0]
            flat = float("nan")
            found.append(
                Site(name, name, -1, flat, flat, centre, _axes(knee, 1.0, 0.0))
            )
    return found


def _meniscus_values(label_names: Mapping[int, str]) -> dict[str, list[int]]:
    """Values of a label map by the name of the meniscus."""
    known = parts_of(label_names)
    return {
        name: [value for value, of in known.items() if of == part]
        for part, name in MENISCI.items()
    }


def below(knee: KneeMeasures, points_mm: np.ndarray) -> dict[str, np.ndarray]:
    """Which vertices of which bone lie nearest to points of the world.

    Args:
      knee: what `knee.measure` gave.
      points_mm: (n, 3), such as the voxels of a lesion of the cartilage.

    Returns:
      Of each plate (vertices,) bool; a point is over the plate whose bone is nearest.
    """
    masks = {name: np.zeros(len(p.covered), bool) for name, p in knee.plates.items()}
    if len(points_mm):
        vertices = [
            knee.in_world(plate.bone.vertices) for plate in knee.plates.values()
        ]
        _, nearest = KDTree(np.concatenate(vertices)).query(points_mm)
        ends = np.cumsum([len(of) for of in vertices])
        for name, end, of in zip(masks, ends, vertices, strict=True):
            first = end - len(of)
            masks[name][nearest[(nearest >= first) & (nearest < end)] - first] = True
    return masks


def have_cartilage_lesion(
    knee: KneeMeasures, sites: Sequence[Site], lesion_mm: np.ndarray
) -> list[bool]:
    """Of each site along the cartilage whether a lesion lies within `REACH_MM` of it.

    A lesion that lies on the other bone of the joint is another site's.

    Args:
      knee: what `knee.measure` gave.
      sites: of `along_cartilage`.
      lesion_mm: (n, 3), voxels of lesions in the world.
    """
    masks = below(knee, lesion_mm)
    trees = {
        name: KDTree(knee.in_world(knee.plates[name].bone.vertices[mask]))
        for name, mask in masks.items()
        if mask.any()
    }
    return [
        site.place in trees
        and bool(trees[site.place].query(site.centre_mm)[0] <= REACH_MM)
        for site in sites
    ]


def have_meniscal_tear(
    label_map: Volume,
    label_names: Mapping[int, str],
    sites: Sequence[Site],
    lesion_mm: np.ndarray,
) -> list[bool]:
    """Of each meniscus whether a tear is nearer to it than to the other one.

    Args:
      label_map: that the sites are from.
      label_names: what each value means.
      sites: of `of_menisci`.
      lesion_mm: (n, 3), voxels of tears in the world.
    """
    if not len(lesion_mm) or not sites:
        return [False] * len(sites)
    values = _meniscus_values(label_names)
    away = []
    for site in sites:
        voxels = np.argwhere(np.isin(label_map.array, values[site.place]))
        voxels_mm = apply_affine(label_map.affine, voxels)
        away.append(KDTree(voxels_mm).query(lesion_mm)[0])
    nearest = np.argmin(away, axis=0)
    return [bool((nearest == number).any()) for number in range(len(sites))]

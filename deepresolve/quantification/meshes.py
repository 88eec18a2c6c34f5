"""Surfaces of a knee for programs that show meshes: VTK, PLY and STL.

Points are in millimetres of the patient's world, to the left, to the back and up (LPS,
as in DICOM). The header says so, "SPACE=LPS": 3D Slicer looks for it and takes LPS
where it finds nothing (discourse.slicer.org/t/10446), so a mesh lies on its scan.
NIfTI's world is RAS: (-x, -y, z) of a point.

Written here, in the few lines that it takes, because libraries leave out what matters:
meshio 5.3 and trimesh 5.2 give no say in the header; of VTK, meshio writes version 5.1,
which old readers do not know, and trimesh nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

import numpy as np

from deepresolve.quantification.knee import KneeMeasures
from deepresolve.quantification.places import region_numbers
from deepresolve.quantification.surfaces import Surface

SPACE = "SPACE=LPS"
_TITLE = f"DeepResolve, millimetres, {SPACE}"
_FROM_RAS = np.array([-1.0, -1.0, 1.0])
_STL_HEADER_BYTES = 80
_PLY_NAMES = {"f": "float", "i": "int", "u": "uchar"}


class Mesh(NamedTuple):
    """A surface, and numbers at each of its points.

    Attributes:
      points_mm: (n, 3) float32, in the patient's world, LPS.
      faces: (m, 3) int32, counter-clockwise as seen from outside.
      scalars: by name (n,): "thickness_mm" and "nearest_mm" float32, "covered" uint8 (0
        where bone is denuded), "region" uint8 (from 1, of `places.REGION_NAMES`; 0:
        none).
      colours: (n, 3) uint8, red, green and blue; None: the file has none.
    """

    points_mm: np.ndarray
    faces: np.ndarray
    scalars: Mapping[str, np.ndarray]
    colours: np.ndarray | None = None


def bone(knee: KneeMeasures, name: str) -> Mesh:
    """The bone below a plate, denuded parts included.

    Args:
      knee: what `knee.measure` gave.
      name: of the plate: "F", "MT", ...
    """
    plate = knee.plates[name]
    scalars: dict[str, np.ndarray] = {
        "thickness_mm": plate.thickness_mm.astype(np.float32),
        "nearest_mm": plate.nearest_mm.astype(np.float32),
        "covered": plate.covered.astype(np.uint8),
        "region": region_numbers(knee, name),
    }
    return _mesh(knee, plate.bone, scalars)


def articular(knee: KneeMeasures, name: str) -> Mesh:
    """The outer surface of a plate, with the numbers of the bone below each point.

    But for nearest_mm, which is measured from here, too: to the nearest place of the
    bone.

    Args:
      knee: what `knee.measure` gave.
      name: of the plate: "F", "MT", ...
    """
    plate = knee.plates[name]
    of_bone = bone(knee, name).scalars
    scalars = {key: values[plate.below] for key, values in of_bone.items()}
    scalars["nearest_mm"] = plate.back_mm.astype(np.float32)
    return _mesh(knee, plate.articular, scalars)


def _mesh(
    knee: KneeMeasures, surface: Surface, scalars: Mapping[str, np.ndarray]
) -> Mesh:
    points = knee.in_world(surface.vertices) * _FROM_RAS
    # `knee.affine` turns and mirrors nothing: outside stays outside.
    return Mesh(points.astype(np.float32), surface.faces.astype(np.int32), scalars)


def to_vtk(mesh: Mesh) -> bytes:
    """Legacy VTK 4.2, binary: what every ParaView and 3D Slicer reads.

    The first of the scalars is the one that viewers colour a surface by. Colours are
    left to the viewer, which has a scale beside them.
    """
    count, num_faces = len(mesh.points_mm), len(mesh.faces)
    corners = np.insert(mesh.faces, 0, 3, axis=1)  # How many, before each triangle's.
    parts = [
        f"# vtk DataFile Version 4.2\n{_TITLE}\nBINARY\nDATASET POLYDATA\n".encode(),
        f"POINTS {count} float\n".encode(),
        mesh.points_mm.astype(">f4").tobytes(),
        f"\nPOLYGONS {num_faces} {corners.size}\n".encode(),
        corners.astype(">i4").tobytes(),
        f"\nPOINT_DATA {count}\n".encode(),
    ]
    for name, values in mesh.scalars.items():
        kind, dtype = ("float", ">f4") if values.dtype.kind == "f" else ("int", ">i4")
        parts += [
            f"SCALARS {name} {kind} 1\nLOOKUP_TABLE default\n".encode(),
            values.astype(dtype).tobytes(),
            b"\n",
        ]
    return b"".join(parts)


def to_ply(mesh: Mesh) -> bytes:
    """PLY, binary: points with their scalars and colours, which MeshLab shows."""
    columns = dict(zip("xyz", mesh.points_mm.T, strict=True))
    if mesh.colours is not None:
        columns |= dict(zip(("red", "green", "blue"), mesh.colours.T, strict=True))
    columns |= mesh.scalars
    fields = [(name, v.dtype.newbyteorder("<")) for name, v in columns.items()]
    vertices = np.empty(len(mesh.points_mm), fields)
    for name, values in columns.items():
        vertices[name] = values
    faces = np.empty(len(mesh.faces), [("count", "u1"), ("corners", "<i4", 3)])
    faces["count"], faces["corners"] = 3, mesh.faces
    header = [
        *("ply", "format binary_little_endian 1.0", f"comment {_TITLE}"),
        f"element vertex {len(vertices)}",
        *(f"property {_PLY_NAMES[v.dtype.kind]} {n}" for n, v in columns.items()),
        f"element face {len(faces)}",
        *("property list uchar int vertex_indices", "end_header", ""),
    ]
    return "\n".join(header).encode() + vertices.tobytes() + faces.tobytes()


def to_stl(mesh: Mesh) -> bytes:
    """STL, binary: the shape alone, for printers and planning software."""
    corners = mesh.points_mm[mesh.faces]
    across = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    length = np.linalg.norm(across, axis=1, keepdims=True)
    fields = [("normal", "<f4", 3), ("corners", "<f4", (3, 3)), ("colour", "<u2")]
    triangles = np.zeros(len(corners), fields)
    triangles["normal"] = across / np.maximum(length, np.finfo(np.float32).tiny)
    triangles["corners"] = corners
    header = _TITLE.encode().ljust(_STL_HEADER_BYTES)
    return header + np.uint32(len(triangles)).tobytes() + triangles.tobytes()


# By the ending of the file's name.
FORMATS: dict[str, Callable[[Mesh], bytes]] = {
    "vtk": to_vtk,
    "ply": to_ply,
    "stl": to_stl,
}

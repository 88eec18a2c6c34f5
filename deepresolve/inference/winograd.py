"""Three planes of a kernel against four planes of output, in six products not twelve.

F(4, 3) of Winograd's minimal filtering (Lavin and Gray, CVPR 2016, section 4), along
the slice axis alone: four neighbouring output planes of a 3x3x3 convolution take twelve
2D convolutions when each is computed by itself. Here six mixtures of the six input
planes meet six mixtures of the kernel's three planes, and four mixtures of what comes
out are the same four planes.

The mixtures follow from Toom and Cook's scheme: evaluate two polynomials at five points
and at infinity, multiply, interpolate. The points are of size about one, and dyadic, so
that rounding is amplified little: against 0, 1, -1, 2, -2 the error in bfloat16 is a
third smaller.
"""

from __future__ import annotations

import numpy as np

# Planes that come out at once, and planes that they are computed from.
NUM_OUTPUTS = 4
NUM_INPUTS = NUM_OUTPUTS + 2

_POINTS = (0.0, 0.75, -0.75, 1.5, -1.5)


def _powers(count: int) -> np.ndarray:
    """(6, count): powers 0 to count - 1 of each point; of infinity the last alone."""
    finite = np.power.outer(np.array(_POINTS), np.arange(count))
    return np.vstack([finite, np.eye(count)[-1]])


# (6, 6): products' factors from input planes; (6, 3): from the kernel's planes;
# (4, 6): output planes from products. The transposed form of the polynomial product.
FROM_INPUTS = np.linalg.inv(_powers(NUM_INPUTS)).T
FROM_KERNEL = _powers(3)
TO_OUTPUTS = _powers(NUM_OUTPUTS).T


def transform_kernel(kernel: np.ndarray) -> np.ndarray:
    """The six 2D kernels that replace a 3D one.

    Args:
      kernel: (rows, columns, 3, channels, filters), as Keras keeps it.

    Returns:
      (6, rows, columns, channels, filters), float64.
    """
    return np.einsum("pk,rckio->prcio", FROM_KERNEL, kernel.astype(np.float64))


def mix(matrix: np.ndarray, planes: list) -> list:
    """Rows of a matrix times planes, without the terms that are zero.

    Args:
      matrix: (n, len(planes)).
      planes: tensors of one shape.

    Returns:
      n tensors of that shape.
    """
    # The inverse leaves 1e-17 where the exact value is 0.
    return [
        sum(
            float(weight) * plane
            for weight, plane in zip(row, planes, strict=True)
            if abs(weight) > 1e-12
        )
        for row in matrix
    ]

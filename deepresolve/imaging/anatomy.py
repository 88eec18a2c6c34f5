"""Anatomical planes, and how a radiologist sees them; apart, for it needs no NumPy."""

PLANES = ("sagittal", "coronal", "axial")

# (rows, columns, slices): each letter is the direction in which an index grows. Rows
# run down and columns right, so a slice drawn as an image stands as in a viewer:
# anterior to the left (sagittal) or on top (axial), the patient's right on the left.
CANONICAL_ORIENTATION = {"sagittal": "IPL", "coronal": "ILP", "axial": "PLS"}

OPPOSITE = dict(zip("LRAPSI", "RLPAIS", strict=True))

# Of the body, which a knee is of.
SIDES = ("left", "right", "unknown")

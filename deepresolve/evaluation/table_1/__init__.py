"""The paper's experiment: image sets, segmentations of them, and Table 1."""

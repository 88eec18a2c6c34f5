"""Results as DICOM, derived from the DICOM series that was read.

A result takes its patient, study and frame of reference from the slices it was made of,
so `formats.write`, which knows a volume alone, cannot write it: `source.read_source`
reads their headers, and `series` or `segmentation` writes beside them.
"""

"""Tissues of a scan: a label map on its own grid."""

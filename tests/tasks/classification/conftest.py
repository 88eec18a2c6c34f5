"""Graded scans for the tests of classification."""

from graded import write_records  # noqa: F401 (fixtures)

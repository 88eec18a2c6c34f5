"""Reports of the planes of exams."""

from exam_reports import planes, report, rows  # noqa: F401 (fixtures)

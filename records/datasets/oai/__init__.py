"""The Osteoarthritis Initiative (OAI): DICOM by its contents table, and contours."""

from records.datasets.oai.knees import Oai, OaiSubject

__all__ = ["Oai", "OaiSubject"]

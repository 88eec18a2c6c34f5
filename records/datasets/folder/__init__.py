"""Scans in a folder, in any format that `deepresolve.imaging.formats` reads."""

from records.datasets.folder.scans import Folder, FolderSubject

__all__ = ["Folder", "FolderSubject"]

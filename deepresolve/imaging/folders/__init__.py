"""What lies in a user's folder: every file is found, named, and told what it is.

`tree` walks; `kinds` judges a file by its bytes (`unpacking` what gzip packed), as the
formats have it (`dicom_bytes` is DICOM's), and by `placeholders`, of files whose
content is elsewhere; `listing`
is a folder or zip as names that can be opened. `scan_files` (with `parts`, the voxels
beside a header) and `slices` say which of the files are scans, and `summary` what else
is there.
"""

"""What lies in a user's folder: every file is found, named, and told what it is.

`tree` walks; `kinds` judges a file by its bytes, with `marks` and `dicom_bytes`, by
which formats begin, and `placeholders`, of files whose content is elsewhere; `listing`
is a folder or zip as names that can be opened. `scan_files` (with `parts`, the voxels
beside a header) and `slices` say which of the files are scans, and `summary` what else
is there.
"""

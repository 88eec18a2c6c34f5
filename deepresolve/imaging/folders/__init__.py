"""What lies in a user's folder: every file is found, named, and told what it is.

`tree` walks, `kinds` judges a file by its bytes, `placeholders` knows files whose
content is elsewhere, `listing` is a folder or zip as names that can be opened, `scans`
says which scans are there, and `summary` what else.
"""

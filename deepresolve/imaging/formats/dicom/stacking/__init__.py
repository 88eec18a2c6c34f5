"""From the slices of a folder to those of one volume, in order.

`copies` takes each image once, `series` and `volumes` (with `stacks`) find out which
slices belong together, `geometry` puts them in order and refuses those that make no
whole grid, and `completeness` and `notes` say what is to be told of the result.
"""

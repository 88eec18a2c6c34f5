"""One series by ELNet: Tsai et al., MIDL 2020 (arXiv 2005.02706).

Published: 0.2 M parameters, less than 1 MB (K = 4, here 16 features), convolutions of
each slice, normalised over all slices of the scan; axial slices for ACL tears and
abnormality, coronal ones for meniscal tears; rotation, shift and flips at random, one
scan a step. Ours: pixels, learning rate, extent of the changes (those of `mrnet`) and
number of epochs.

    python train.py --preset=elnet --records=DIR --workdir=DIR --grades=acl

In the paper it compares well with MRNet on the data of that; nobody has repeated it
here.
"""

from deepresolve.presets import mrnet

CONFIG = mrnet.CONFIG.replace(
    model="elnet",
    num_features=16,
    only_series="axial",
    learning_rate=1e-4,
    batch_size=1,
)

r"""A Seg-CNN's volume through MONAI's sliding_window_inference; prints a line of JSON.

    python benchmarks/peer_segmentation.py --folder=DIR --dtype=float32 \
        --window=288,288,32

For an interpreter with torch and monai; `segmentation.py` calls it. Reads volume.npy
and weights.npz from the folder and writes its label map there. Normalisation is folded
into the convolutions, both memory layouts are tried on a small window first, and the
faster one counts.
"""

from __future__ import annotations

import argparse
import json
import pathlib
import time

import memory
import numpy as np
import torch
from monai.inferers import sliding_window_inference
from peer_inference import LAYOUTS, OVERLAP, faster_layout

_EPSILON = 1e-3  # of Keras's batch normalisation


def parse_arguments() -> argparse.Namespace:
    """The command line; absl need not be there."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=pathlib.Path, required=True)
    parser.add_argument("--dtype", choices=["float32", "bfloat16"], required=True)
    parser.add_argument("--window", required=True)
    return parser.parse_args()


class UNet(torch.nn.Module):
    """The network of `deepresolve.networks.unet`, with its weights by their names."""

    def __init__(self, weights):
        super().__init__()
        self.num_levels = 1 + sum(name.startswith("enlarge_") for name in weights) // 2
        self.layers = torch.nn.ModuleDict()
        for name in sorted({key.split("/")[0] for key in weights}):
            if not name.endswith("_normalised"):
                self.layers[name] = _layer(name, weights)

    def _level(self, x, name):
        for number in (1, 2):
            x = torch.relu_(self.layers[f"{name}_{number}"](x))
        return x

    def forward(self, volume):
        """(batch, 1, rows, columns, slices) to probabilities, float32."""
        x, skips = volume.to(self.layers["logits"].weight.dtype), []
        for level in range(1, self.num_levels + 1):
            if level > 1:
                x = torch.nn.functional.max_pool3d(x, 2)
            x = self._level(x, f"down_{level}")
            skips.append(x)
        for level in range(self.num_levels - 1, 0, -1):
            up = self.layers[f"enlarge_{level}"](x)
            x = self._level(torch.cat([skips[level - 1], up], 1), f"up_{level}")
        return torch.softmax(self.layers["logits"](x).float(), 1)


def _layer(name, weights):
    """A convolution, its normalisation folded in where it has one."""
    # Keras keeps (rows, columns, slices, inputs, outputs); of a transposed convolution
    # (rows, columns, slices, outputs, inputs).
    kernel = torch.from_numpy(weights[f"{name}/0"]).permute(4, 3, 0, 1, 2)
    if name.startswith("enlarge_"):
        layer = torch.nn.ConvTranspose3d(kernel.shape[0], kernel.shape[1], 2, 2)
    else:
        size = kernel.shape[2]
        layer = torch.nn.Conv3d(
            kernel.shape[1], kernel.shape[0], size, padding=size // 2
        )
    bias = weights.get(f"{name}/1", np.zeros(layer.bias.shape, np.float32))
    layer.weight.data, layer.bias.data = kernel.contiguous(), torch.from_numpy(bias)
    if f"{name}_normalised/0" not in weights:
        return layer
    normalisation = torch.nn.BatchNorm3d(kernel.shape[0], _EPSILON)
    gamma, beta, mean, variance = (
        torch.from_numpy(weights[f"{name}_normalised/{n}"]) for n in range(4)
    )
    normalisation.weight.data, normalisation.bias.data = gamma, beta
    normalisation.running_mean, normalisation.running_var = mean, variance
    return torch.nn.utils.fuse_conv_bn_eval(layer.eval(), normalisation.eval())


def main() -> None:
    """Runs the volume and prints what it took."""
    arguments = parse_arguments()
    folder = arguments.folder
    with np.load(folder / "weights.npz") as weights:
        network = UNet(dict(weights)).eval()
    network.to(getattr(torch, arguments.dtype))
    volume = torch.from_numpy(np.load(folder / "volume.npy"))[None, None]
    window = tuple(int(size) for size in arguments.window.split(","))
    with torch.inference_mode():
        # One slice of the lowest level, at least.
        small = volume[:, :, :64, :64, : 2 ** (network.num_levels - 1)]
        layout = faster_layout(network, small)
        network.to(memory_format=LAYOUTS[layout])
        start, processor = time.perf_counter(), time.process_time()
        result = sliding_window_inference(
            volume,
            window,
            sw_batch_size=1,
            predictor=lambda x: network(x.to(memory_format=LAYOUTS[layout])),
            overlap=OVERLAP,
        )
        labels = result[0].argmax(0).to(torch.uint8)
        figures = {
            "seconds": time.perf_counter() - start,
            "processor_seconds": time.process_time() - processor,
            "peak_gib": memory.peak_gib(),
        }
    np.save(folder / f"monai_{arguments.dtype}.npy", labels.numpy())
    print(json.dumps({**figures, "layout": layout, "torch": torch.__version__}))


if __name__ == "__main__":
    main()

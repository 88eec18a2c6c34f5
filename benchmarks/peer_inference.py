r"""A volume through MONAI's sliding_window_inference; prints one line of JSON.

    python benchmarks/peer_inference.py --folder=DIR --dtype=float32 --window=96

For an interpreter with torch and monai; `inference.py` calls it. Reads volume.npy and
weights.npz from the folder and writes its output there. Both memory layouts are tried
on a small window first, and the faster one counts.
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

OVERLAP = 0.25  # MONAI's own default, and a common choice
LAYOUTS = {
    "contiguous": torch.contiguous_format,
    "channels_last_3d": torch.channels_last_3d,
}


def parse_arguments() -> argparse.Namespace:
    """The command line; absl need not be there."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=pathlib.Path, required=True)
    parser.add_argument("--dtype", choices=["float32", "bfloat16"], required=True)
    parser.add_argument("--window", type=int, default=96)
    return parser.parse_args()


class SuperResolution(torch.nn.Module):
    """The chain of convolutions with its residual."""

    def __init__(self, weights):
        super().__init__()
        count = len(weights) // 2
        layers = []
        for number in range(count):
            # Keras keeps (rows, columns, slices, inputs, outputs).
            kernel = torch.from_numpy(weights[f"kernel_{number}"]).permute(
                4, 3, 0, 1, 2
            )
            layer = torch.nn.Conv3d(kernel.shape[1], kernel.shape[0], 3, padding=1)
            layer.weight.data = kernel.contiguous()
            layer.bias.data = torch.from_numpy(weights[f"bias_{number}"])
            layers += [layer, torch.nn.ReLU(inplace=True)]
        self.chain = torch.nn.Sequential(*layers[:-1])

    def forward(self, volume):
        """(batch, 1, rows, columns, slices) to the same."""
        return volume + self.chain(volume.to(self.chain[0].weight.dtype)).float()


def faster_layout(network, window) -> str:
    """Name of the layout that takes one window through the network sooner."""
    seconds = {}
    for name, layout in LAYOUTS.items():
        network.to(memory_format=layout)
        network(window.to(memory_format=layout))
        start = time.perf_counter()
        network(window.to(memory_format=layout))
        seconds[name] = time.perf_counter() - start
    return min(seconds, key=seconds.get)


def main() -> None:
    """Runs the volume and prints what it took."""
    arguments = parse_arguments()
    folder = arguments.folder
    with np.load(folder / "weights.npz") as weights:
        network = SuperResolution(dict(weights)).eval()
    network.chain.to(getattr(torch, arguments.dtype))
    volume = torch.from_numpy(np.load(folder / "volume.npy"))[None, None]
    roi = (arguments.window,) * 3
    with torch.inference_mode():
        small = volume[:, :, :48, :48, :48]
        layout = faster_layout(network, small)
        network.to(memory_format=LAYOUTS[layout])
        start = time.perf_counter()
        result = sliding_window_inference(
            volume,
            roi,
            sw_batch_size=1,
            predictor=lambda x: network(x.to(memory_format=LAYOUTS[layout])),
            overlap=OVERLAP,
        )
        seconds = time.perf_counter() - start
    np.save(folder / f"monai_{arguments.dtype}.npy", result[0, 0].numpy())
    figures = {
        "seconds": seconds,
        "voxels": volume.numel(),
        "peak_gib": memory.peak_gib(),
    }
    print(json.dumps({**figures, "layout": layout, "torch": torch.__version__}))


if __name__ == "__main__":
    main()

"""PyTorch: as it runs by itself, and with torch.compile."""

from __future__ import annotations

import numpy as np
import torch

COMPILATIONS = {
    "eager": "PyTorch as it is; all feature maps of a pass are kept to its end",
    "compiled": "torch.compile of network and loss, in parts where it breaks off",
}


def device_name() -> str | None:
    """The GPU's name."""
    return torch.cuda.get_device_name(0) if torch.cuda.is_available() else None


def set_precision(precision: str) -> None:
    """TF32 in products of matrices and in convolutions, or in neither."""
    torch.backends.cuda.matmul.allow_tf32 = precision == "tf32"
    torch.backends.cudnn.allow_tf32 = precision == "tf32"
    torch.backends.cudnn.benchmark = True  # each convolution by its fastest algorithm


def put(array: np.ndarray) -> torch.Tensor:
    """Copies to the device."""
    return torch.from_numpy(array).to(_device())


def fetch(tensor: torch.Tensor) -> np.ndarray:
    """Copies to the host."""
    return tensor.detach().cpu().numpy()


def wait(tensor: torch.Tensor) -> None:
    """Waits for all that the GPU was asked for."""
    if tensor.is_cuda:
        torch.cuda.synchronize()


def training_step(model, loss, optimizer, compilation: str):
    """Forward and backward by PyTorch, the update by Keras."""

    def forward(image, target):
        return loss(target, model(image, training=True))

    forward = _compiled(forward, compilation)
    weights = model.trainable_variables
    optimizer.build(weights)

    def step(image, target):
        model.zero_grad()
        value = forward(image, target)
        value.backward()
        gradient = [weight.value.grad for weight in weights]
        with torch.no_grad():
            optimizer.apply(gradient, weights)
        return value.detach()

    return step


def inference(model, finish, compilation: str):
    """The network without a graph for gradients."""

    def forward(image):
        return finish(model(image, training=False))

    return torch.no_grad()(_compiled(forward, compilation))


def peak_bytes() -> int | None:
    """Most that PyTorch's allocator has handed out."""
    return torch.cuda.max_memory_allocated() if torch.cuda.is_available() else None


def _compiled(function, compilation: str):
    return torch.compile(function) if compilation == "compiled" else function


def _device() -> str:
    return "cuda" if torch.cuda.is_available() else "cpu"

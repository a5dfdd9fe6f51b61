"""The machine, and what it can do at the most: the rate of one matrix product, measured in the same run."""

import platform
from importlib.metadata import version
from time import perf_counter

import torch

SHAPES = ((8192, 8192, 8192), (4128, 3840, 10240))  # the second is a feed-forward layer's, at 1024 x 1024 pixels
SMALL = ((512, 512, 512),)


def describe_machine(device: torch.device) -> dict[str, str]:
    """What the figures hold for."""
    found = {name: version(name) for name in ("torch", "diffusers", "transformers", "peft", "safetensors")}
    if device.type == "cuda":
        properties = torch.cuda.get_device_properties(device)
        return {
            "device": f"{properties.name}, {properties.total_memory / 2**30:.1f} GiB, CUDA {torch.version.cuda}",
            "cudnn": str(torch.backends.cudnn.version()),
            **found,
        }
    return {"device": f"{platform.machine()}, {torch.get_num_threads()} threads, no graphics card", **found}


def matrix_tflops(device: torch.device, dtype: torch.dtype, seconds: float = 1.0) -> float:
    """The best of some shapes, in 10^12 operations a second, multiplication and addition counted as two."""
    return max(_rate(device, dtype, shape, seconds) for shape in (SHAPES if device.type == "cuda" else SMALL))


def _rate(device: torch.device, dtype: torch.dtype, shape: tuple[int, int, int], seconds: float) -> float:
    rows, inner, columns = shape
    left = torch.randn(rows, inner, device=device, dtype=dtype)
    right = torch.randn(columns, inner, device=device, dtype=dtype).t()
    best, ends = 0.0, perf_counter() + seconds
    while perf_counter() < ends:
        _finished(left @ right)
        started = perf_counter()
        for _ in range(10):
            product = left @ right
        _finished(product)
        best = max(best, 10 * 2 * rows * inner * columns / (perf_counter() - started) / 1e12)
    return best


def _finished(result: torch.Tensor) -> None:
    if result.is_cuda:
        torch.cuda.synchronize(result.device)

"""How much memory a device has, what of it is taken, and what an error says of it."""

import ctypes
import platform
import resource
import sys

import psutil
import torch

# What torch raises when a device is full; on a CPU it is a plain RuntimeError, to be told by its words.
ERRORS = (torch.OutOfMemoryError, MemoryError, RuntimeError)
_FULL_WORDS = (
    "not enough memory", "can't allocate memory", "cannot allocate memory", "out of memory", "status_alloc_failed",
)  # fmt: skip
_LOST_WORDS = ("cuda error", "hip error", "mps backend", "device lost", "device was removed", "illegal memory access")
_CONTEXT = 500_000_000  # bytes of a GPU that CUDA itself takes


def ran_out(error: BaseException) -> bool:
    """Whether `error` means that there was not enough memory."""
    if isinstance(error, torch.OutOfMemoryError | MemoryError):
        return True
    return isinstance(error, RuntimeError) and any(words in str(error).lower() for words in _FULL_WORDS)


def is_lost(error: BaseException) -> bool:
    """Whether `error` means that the device is not there any more, or of no more use to this process."""
    if ran_out(error):
        return False
    if isinstance(error, torch.AcceleratorError):
        return True
    return isinstance(error, RuntimeError) and any(words in str(error).lower() for words in _LOST_WORDS)


def release(device: torch.device) -> None:
    """Give back to the device what torch, or the C library, holds in reserve."""
    if device.type == "cuda":
        torch.cuda.empty_cache()
    elif device.type == "mps":
        torch.mps.empty_cache()
    elif sys.platform == "linux" and hasattr(library := ctypes.CDLL(None), "malloc_trim"):  # glibc's
        library.malloc_trim(0)


def budget_of(device: torch.device, budget_gb: int) -> int:
    """Bytes that may be taken, at most `budget_gb` GB where that is not 0; torch keeps to them on a GPU."""
    if device.type == "cuda":
        free, total = torch.cuda.mem_get_info(device)
        if not budget_gb:
            return free
        wanted = max(1, min(budget_gb * 1_000_000_000 - _CONTEXT, total))
        torch.cuda.set_per_process_memory_fraction(wanted / total, device)
        return min(wanted, free)
    if device.type == "mps":
        free = torch.mps.recommended_max_memory() - torch.mps.driver_allocated_memory()
    else:
        free = psutil.virtual_memory().available
    return min(free, budget_gb * 1_000_000_000) if budget_gb else free


def peak_of(device: torch.device) -> int:
    """Bytes that this process has taken at the most, of the device or, on a CPU, of the machine."""
    if device.type == "cuda":
        return torch.cuda.max_memory_reserved(device)
    if device.type == "mps":
        return 0
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def use_of(device: torch.device) -> tuple[int, int]:
    """Bytes taken and in all: of the device by anybody, or, on a CPU, of the machine by this process."""
    if device.type == "cuda":
        free, total = torch.cuda.mem_get_info(device)
        return total - free, total
    if device.type == "mps":
        return torch.mps.driver_allocated_memory(), torch.mps.recommended_max_memory()
    return psutil.Process().memory_info().rss, psutil.virtual_memory().total


def name_of(device: torch.device) -> str:
    """What people call the device."""
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    return "CPU" if device.type == "cpu" else f"{platform.machine()} GPU"

"""How much memory a device has, what of it is taken, and what an error says of it."""

import platform

import psutil
import torch

# What torch raises when a device is full; on a CPU it is a plain RuntimeError, to be told by its words.
ERRORS = (torch.OutOfMemoryError, MemoryError, RuntimeError)
_CPU_WORDS = ("not enough memory", "can't allocate memory", "cannot allocate memory", "out of memory")


def ran_out(error: BaseException) -> bool:
    """Whether `error` means that there was not enough memory."""
    if isinstance(error, torch.OutOfMemoryError | MemoryError):
        return True
    return isinstance(error, RuntimeError) and any(words in str(error).lower() for words in _CPU_WORDS)


def release(device: torch.device) -> None:
    """Give back to the device what torch holds in reserve."""
    if device.type == "cuda":
        torch.cuda.empty_cache()
    elif device.type == "mps":
        torch.mps.empty_cache()


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

"""Latents to pixels in several precisions: time, memory, and how near to double precision they come."""

from collections.abc import Callable
from functools import partial
from statistics import median
from time import perf_counter

import torch
from diffusers import AutoencoderKL
from torch import Tensor

from bench.gpu.rivals import Bed
from bench.gpu.sheet import Figures, Sheet
from bench.models import copied
from core.engine import Picture
from core.request import GenerationRequest
from pipeline.engine import TorchEngine
from pipeline.vae import decode_pixels, encode

GB = 1e9


def decodings(sheet: Sheet, bed: Bed) -> None:
    """Of a picture of the usual size, with the model's own VAE."""
    side = bed.sides[0]
    sheet.title(f"decoding {side} x {side}")
    ways: dict[str, tuple[torch.dtype, torch.memory_format, bool]] = {
        "fp32": (torch.float32, torch.contiguous_format, False),
        "fp32, channels last": (torch.float32, torch.channels_last, False),
        "fp32, with TF32": (torch.float32, torch.contiguous_format, True),
        "fp32, with TF32, channels last": (torch.float32, torch.channels_last, True),
        "bf16": (torch.bfloat16, torch.contiguous_format, False),
        "bf16, channels last": (torch.bfloat16, torch.channels_last, False),
    }
    for name, (dtype, layout, tf32) in ways.items():
        if tf32 and bed.device.type != "cuda":
            continue
        sheet.measure(name, 10, partial(_decoding, bed, dtype, layout, tf32))


def sharpness(sheet: Sheet, engine: TorchEngine) -> None:
    """On latents of a real picture: nearness to fp64, and how much of its fine detail is there."""
    side = min(engine.info.sizes[0])
    *_, last = engine.generate(GenerationRequest("a red house", side, side, 1, 8))
    assert isinstance(last, Picture)
    pixels = torch.frombuffer(bytearray(last.frame.rgb), dtype=torch.uint8)
    pixels = pixels.view(1, last.frame.height, last.frame.width, 3).permute(0, 3, 1, 2) / 127.5 - 1
    vae = engine.model.vae
    latents = encode(vae, pixels.to(vae.device))
    exact = decode_pixels(copied(vae, torch.float64), latents).double()
    for name, dtype in (("fp32", torch.float32), ("bf16", torch.bfloat16)):
        shown = decode_pixels(copied(vae, dtype), latents).double()
        error = float((shown - exact).square().mean())
        figures = {"psnr_db": -10 * torch.log10(torch.tensor(max(error, 1e-30))).item()}
        sheet.row(f"{name} beside fp64", figures | {"detail_of_fp64": _detail(shown) / _detail(exact)})


def _detail(pixels: Tensor) -> float:
    """Energy of what changes from one pixel to the next."""
    return float(pixels.diff(dim=-1).square().sum() + pixels.diff(dim=-2).square().sum())


def _decoding(bed: Bed, dtype: torch.dtype, layout: torch.memory_format, tf32: bool) -> Figures:
    vae = copied(bed.model.vae, dtype).to(memory_format=layout)
    factor = bed.model.vae_scale_factor
    latents = torch.randn(1, bed.model.latent_channels, *2 * (bed.sides[0] // factor,), device=bed.device)
    before = torch.backends.cudnn.allow_tf32
    torch.backends.cudnn.allow_tf32 = tf32
    try:
        return _timed(bed, partial(decode_pixels, vae, latents), vae)
    finally:
        torch.backends.cudnn.allow_tf32 = before


def _timed(bed: Bed, run: Callable[[], Tensor], vae: AutoencoderKL) -> Figures:
    run()
    on_card = bed.device.type == "cuda"
    held = torch.cuda.memory_allocated(bed.device) if on_card else 0
    if on_card:
        torch.cuda.reset_peak_memory_stats(bed.device)
    times = []
    for _ in range(bed.runs):
        bed.sync()
        started = perf_counter()
        run()
        bed.sync()
        times.append(perf_counter() - started)
    figures = {"ms": median(times) * 1e3}
    if on_card:
        figures["extra_gb"] = (torch.cuda.max_memory_allocated(bed.device) - held) / GB
    return figures

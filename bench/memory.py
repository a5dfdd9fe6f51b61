"""The memory tiers side by side, the way to rest and back, and what a VAE in half precision would save and cost.

python -m bench.memory             on the demo model, on whatever device there is
python -m bench.memory --runs 5    fewer runs
"""

import argparse
import platform
import resource
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from statistics import median
from time import perf_counter

import numpy as np
import psutil
import torch
from diffusers import AutoencoderKL
from numpy.typing import NDArray

from core.config import MemoryConfig
from core.engine import Picture
from core.request import GenerationRequest, StyleUse
from pipeline.describe import describe
from pipeline.engine import TorchEngine
from pipeline.model import pick_device
from pipeline.placement.tiers import TIERS
from pipeline.vae import decode_pixels

ROOT = Path(__file__).parent.parent
DEMO = ROOT / "demo" / "model"
PROMPTS = ("a red house", "a blue boat on the sea", "a cat in the snow", "a yellow star at night")
DTYPES = {"fp32": torch.float32, "bf16": torch.bfloat16}
DECODED_SIDE = 1024  # pixels a side of the decode whose memory is measured


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.memory")
    parser.add_argument("--runs", type=int, default=9)
    parser.add_argument("--decode", choices=DTYPES, help="print what a decode in this precision takes, and no more")
    args = parser.parse_args()
    if args.decode:
        print(decode_peak(DTYPES[args.decode]))
        return
    print(f"{platform.machine()}, {torch.get_num_threads()} threads, torch {torch.__version__}, {args.runs} runs")
    engines = {tier: engine_in(tier) for tier in TIERS}
    tiers(engines, args.runs)
    rest(engines["resident"], args.runs)
    compare_decodes(engines["resident"])


def engine_in(tier: str) -> TorchEngine:
    engine = TorchEngine(describe(str(DEMO)), ROOT / "lora", previews=False, memory_config=MemoryConfig(tier))
    for _ in engine.load():
        pass
    return engine


def tiers(engines: dict[str, TorchEngine], runs: int) -> None:
    """All in turn, with a style and a prompt that is new each time, so that each picture has its text."""
    times: dict[str, list[float]] = {tier: [] for tier in engines}
    pictures: dict[str, set[bytes]] = {tier: set() for tier in engines}
    for run in range(runs + 1):
        for tier, engine in engines.items():
            wanted = request(f"a red house number {run}", seed=run, styles=(StyleUse("sketch", 0.7),))
            began = perf_counter()
            *_, last = engine.generate(wanted)
            times[tier].append(perf_counter() - began)
            assert isinstance(last, Picture)
            pictures[tier].add(last.frame.rgb)
    print(f"\n{'tier':10} {'s':>7} {'ratio':>7} {'weights at the most, MB':>24}  bits")
    for tier, seconds in times.items():
        ratio = median(a / b for a, b in zip(seconds[1:], times["resident"][1:], strict=True))
        same = "the same" if pictures[tier] == pictures["resident"] else "others"
        peak = engines[tier].facts().weights_peak / 1e6
        print(f"{tier:10} {median(seconds[1:]):7.3f} {ratio:7.3f} {peak:24.1f}  {same}")


def rest(engine: TorchEngine, runs: int) -> None:
    """What the system gets back, of what the weights take; and how long the way back is."""
    taken = engine.facts().weights_bytes
    given, away_ms, back_ms = [], [], []
    expected = [*engine.generate(request())][-1]
    for _ in range(runs):
        before = used(engine)
        away_ms.append(timed_ms(lambda: [None for _ in engine.rest()]))
        given.append(before - used(engine))
        back_ms.append(timed_ms(engine.wake))
    same = "the same bits" if [*engine.generate(request())][-1] == expected else "OTHER BITS"
    print(f"\nat rest {median(given) / 1e6:.1f} MB of {taken / 1e6:.1f} MB of weights are given back", end="")
    print(f"; away {median(away_ms):.0f} ms, back {median(back_ms):.0f} ms, {same} after that")


def compare_decodes(engine: TorchEngine) -> None:
    """Half precision beside fp32, against fp64, on latents that the model has drawn."""
    latents = drawn_latents(engine)
    exact = decoded(latents, torch.float64)
    print(f"\nVAE decode of {len(latents)} pictures, against fp64; memory of one of {DECODED_SIDE} pixels a side")
    for name, dtype in DTYPES.items():
        shown = decoded(latents, dtype)
        psnr = -10 * np.log10(np.mean((shown - exact) ** 2))
        energy = high_frequencies(shown) / high_frequencies(exact)
        command = [sys.executable, "-m", "bench.memory", "--decode", name]
        peak = int(subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.split()[-1])
        print(f"{name}   {psnr:5.1f} dB   energy of high frequencies x {energy:.5f}   {peak / 1e6:.0f} MB")


def drawn_latents(engine: TorchEngine) -> list[torch.Tensor]:
    """What the decoder was given for each prompt."""
    given: list[torch.Tensor] = []
    handle = engine.model.vae.decoder.register_forward_pre_hook(lambda _, inputs: given.append(inputs[0].clone()))
    for seed, prompt in enumerate(PROMPTS):
        for _ in engine.generate(request(prompt, seed=seed)):
            pass
    handle.remove()
    config = engine.model.vae.config
    return [(raw - config.shift_factor) * config.scaling_factor for raw in given]


def decoded(latents: list[torch.Tensor], dtype: torch.dtype) -> NDArray[np.float64]:
    """(n, 3, H, W) in 0..1."""
    vae = vae_in(dtype, latents[0].device)
    return np.concatenate([decode_pixels(vae, one.to(dtype)).double().cpu().numpy() for one in latents])


def vae_in(dtype: torch.dtype, device: torch.device) -> AutoencoderKL:
    return AutoencoderKL.from_pretrained(DEMO / "vae", dtype=dtype).to(device).eval()


def high_frequencies(pictures: NDArray[np.float64]) -> float:
    """The mean square of what is above half the highest frequency there is."""
    spectrum = np.fft.fft2(pictures, norm="ortho")
    rows, columns = (np.abs(np.fft.fftfreq(side))[:, None] for side in pictures.shape[-2:])
    return float(np.mean(np.abs(spectrum[..., np.maximum(rows, columns.T) > 0.25]) ** 2))


def decode_peak(dtype: torch.dtype) -> int:
    """Bytes that one decode adds at its most. On a CPU this process must have done nothing else."""
    device = pick_device("auto")
    vae = vae_in(dtype, device)
    factor = 2 ** (len(vae.config.block_out_channels) - 1)
    side = DECODED_SIDE // factor
    latents = torch.randn(1, vae.config.latent_channels, side, side, device=device, dtype=dtype)
    if device.type == "cuda":
        before = torch.cuda.memory_allocated(device)
        decode_pixels(vae, latents)
        return torch.cuda.max_memory_allocated(device) - before
    before = psutil.Process().memory_info().rss
    decode_pixels(vae, latents)
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 - before


def request(prompt: str = "a red house", seed: int = 1, styles: tuple[StyleUse, ...] = ()) -> GenerationRequest:
    info = describe(str(DEMO))
    return GenerationRequest(prompt, *info.sizes[0], seed, info.num_inference_steps, styles=styles)


def used(engine: TorchEngine) -> int:
    """Bytes: of the device, or of this process where that is the host."""
    if engine.model.device.type == "cuda":
        return torch.cuda.memory_reserved(engine.model.device)
    return int(psutil.Process().memory_info().rss)


def timed_ms(act: Callable[[], object]) -> float:
    began = perf_counter()
    act()
    if torch.cuda.is_available():
        torch.cuda.synchronize()
    return (perf_counter() - began) * 1e3


if __name__ == "__main__":
    main()

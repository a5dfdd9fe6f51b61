"""Our sampler beside `ZImagePipeline` on the same components: same bits, at what cost, and what a preview costs.

python -m bench.sampler                      a transformer of 60 M parameters, on whatever device there is
python -m bench.sampler --full --size 1024   the full-size architecture (6.2 B), random weights; needs a GPU
"""

import argparse
import platform
from collections.abc import Callable
from statistics import median
from time import perf_counter

import torch

from bench.models import count_parameters, random_engine, reference
from core.engine import Picture
from core.request import GenerationRequest
from pipeline.engine import TorchEngine


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.sampler")
    parser.add_argument("--runs", type=int, default=9)
    parser.add_argument("--steps", type=int, default=8)
    parser.add_argument("--size", type=int, default=256, help="pixels a side")
    parser.add_argument("--full", action="store_true", help="the real architecture's size")
    args = parser.parse_args()

    plain = random_engine(args.full, previews=False)
    shown = TorchEngine(plain.info, plain.lora_folder)
    shown.use(plain.model)
    pipeline = reference(plain.model)
    request = GenerationRequest("a red house", args.size, args.size, seed=1, num_inference_steps=args.steps)

    def diffusers() -> bytes:
        generator = torch.Generator("cpu").manual_seed(request.seed)
        image = pipeline(
            request.prompt,
            width=request.width,
            height=request.height,
            num_inference_steps=request.num_inference_steps,
            guidance_scale=request.guidance_scale,
            generator=generator,
        ).images[0]
        return bytes(image.tobytes())

    def ours(engine: TorchEngine, forget: bool = True) -> Callable[[], bytes]:
        def run() -> bytes:
            if forget:
                engine.prompts.forget()  # the reference encodes its prompt each time
            *_, last = engine.generate(request)
            assert isinstance(last, Picture)
            return last.frame.rgb

        return run

    rivals = {
        "ZImagePipeline": diffusers,
        "ours, no preview": ours(plain),
        "ours, preview each step": ours(shown),
        "ours, preview, prompt seen before": ours(shown, forget=False),
    }
    print(f"{platform.machine()}, {plain.model.device}, {torch.get_num_threads()} threads, torch {torch.__version__}")
    millions = count_parameters(plain.model.transformer) / 1e6
    print(f"{millions:.0f} M parameters, {args.size}x{args.size}, {args.steps} steps")
    times, results = interleave(rivals, args.runs)
    base = median(times["ZImagePipeline"])
    for name, seconds in times.items():
        ratio = median(a / b for a, b in zip(seconds, times["ZImagePipeline"], strict=True))
        same = "same bits" if results[name] == results["ZImagePipeline"] else "OTHER BITS"
        print(f"{name:36} {median(seconds):8.3f} s   ratio {ratio:5.3f}   {same}")
    print(f"{'a step of the reference':36} {base / args.steps * 1e3:8.1f} ms (decode and text included)")
    print(f"{'one preview frame':36} {preview_ms(shown, args.size):8.3f} ms")


def interleave(rivals: dict[str, Callable[[], bytes]], runs: int) -> tuple[dict[str, list[float]], dict[str, bytes]]:
    """Run all in turn `runs` times after a warm-up; seconds of each run, and what each gave."""
    results = {name: run() for name, run in rivals.items()}
    times: dict[str, list[float]] = {name: [] for name in rivals}
    for _ in range(runs):
        for name, run in rivals.items():
            started = perf_counter()
            run()
            times[name].append(perf_counter() - started)
    return times, results


def preview_ms(engine: TorchEngine, size: int, frames: int = 50) -> float:
    """Median of one frame, transfer to the host included."""
    side = size // engine.model.vae_scale_factor
    latents = torch.randn(1, engine.model.latent_channels, side, side, device=engine.model.device)
    times = []
    for _ in range(frames):
        started = perf_counter()
        engine.preview(latents)  # type: ignore[misc]
        times.append(perf_counter() - started)
    return median(times) * 1e3


if __name__ == "__main__":
    main()

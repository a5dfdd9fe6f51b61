"""Speed and memory on a graphics card, ours beside diffusers' own: one command, some minutes, nothing to download.

python -m bench.gpu                       the full-size model with random weights; without a card, the demo model
python -m bench.gpu --minutes 4           what there is time for in four minutes, the most wanted first
python -m bench.gpu --json figures.json   the same, kept in a file as it comes
python -m bench.gpu --tiny                the least of everything, in seconds, to see that it runs

It needs torch, diffusers, transformers, peft and safetensors, and what they bring along.
"""

import argparse
import tempfile
import warnings
from functools import partial
from pathlib import Path

import torch
from diffusers.utils import logging

from bench.gpu import beds
from bench.gpu.decoding import decodings, sharpness
from bench.gpu.machine import describe_machine, matrix_tflops
from bench.gpu.pictures import Rivals, first_previews, pictures
from bench.gpu.rivals import Bed
from bench.gpu.sheet import Sheet
from bench.gpu.swaps import recompilations, swaps
from bench.gpu.tiers import idle, tiers

OTHERS = 150  # seconds that what comes after the pictures takes on a card


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.gpu")
    parser.add_argument("--minutes", type=float, default=7.5, help="what does not fit into them is left out")
    parser.add_argument("--json", type=Path, help="a file to keep the figures in, as they come")
    parser.add_argument("--tiny", action="store_true", help="the least of everything")
    args = parser.parse_args(arguments)
    warnings.filterwarnings("ignore")
    logging.set_verbosity_error()
    torch._dynamo.config.recompile_limit = 64  # counted by function, and all pipelines here share diffusers'
    on_card = torch.cuda.is_available() and not args.tiny
    device = torch.device("cuda" if on_card else "cpu")
    sheet = Sheet(args.minutes, args.json, describe_machine(device))
    if not on_card:
        print("No graphics card is measured here: what follows is of the demo model, or less, on the processor.")
    with tempfile.TemporaryDirectory() as folder:
        make = beds.tiny if args.tiny else beds.full if on_card else beds.demo
        measure(sheet, make(Path(folder, "styles")))


def measure(sheet: Sheet, bed: Bed) -> None:
    """Everything, the most wanted first."""
    sheet.title("the model")
    for name, count in beds.parameters(bed.model).items():
        sheet.row(name, {"size": count})
    rate = matrix_tflops(bed.device, bed.model.dtype, 1.0 if bed.runs > 1 else 0.1)
    sheet.row("one matrix product", {"tflops": rate})
    rivals = Rivals(sheet, bed)
    swaps(sheet, bed, rivals.best)
    if "compiled" in rivals.engines:
        sheet.measure("compiled over swaps of ranks 4 to 128", 10, partial(recompilations, bed, rivals.best))
    pictures(sheet, rivals, rate, keep=OTHERS if bed.device.type == "cuda" else 0)
    sheet.title("request to first preview")
    first_previews(sheet, rivals)
    rivals.close()
    idle(sheet, bed)
    tiers(sheet, bed)
    decodings(sheet, bed)
    sheet.title("decoding, the demo model's own pictures")
    sheet.measure("sharpness", 10, partial(_sharpness, sheet, bed))


def _sharpness(sheet: Sheet, bed: Bed) -> None:
    engine = beds.demo_engine()
    sharpness(sheet, engine)


if __name__ == "__main__":
    main()

"""How well the demo model draws what it is told: `python -m demo.evaluate`. Judged by pixels, on captions it never saw.

The judge is calibrated first: it must be right on true renders and at chance when captions are shuffled.
"""

import argparse
import json
import sys
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any, TypeAlias

import torch
from diffusers import ZImagePipeline
from PIL import Image
from torch import Tensor

from demo.captions import caption
from demo.device import best_device
from demo.draw import STYLES, Subject, draw_batch
from demo.judge import Judge, Seen, facts_of, load
from demo.portraits import Portrait
from demo.sample import SIDE, opened, pictures, wearing
from demo.scenes import Scene
from demo.textures import textures
from demo.vae import psnr, random_subject

HERE = Path(__file__).parent
SHUFFLED_BY = 7  # places: not the other language of the same subject
GOALS = {  # the share, or dB, that the model is meant to reach
    "background": 0.95, "colour": 0.95, "present": 0.90, "count": 0.90, "left_right": 0.90, "hair": 0.90,
    "glasses": 0.90, "hat": 0.90, "vae_renders_db": 30.0, "vae_photos_db": 24.0,
}  # fmt: skip
Scores: TypeAlias = dict[str, list[bool]]
Report: TypeAlias = dict[str, dict[str, Any]]


@dataclass(frozen=True)
class Sample:
    """How much is drawn: captions for the base and for each style, seeds of one prompt, pictures for the VAE."""

    captions: int = 500
    style_captions: int = 100
    seeds: int = 20
    vae_pictures: int = 24


QUICK = Sample(24, 8, 3, 4)


@dataclass(frozen=True)
class Case:
    """One picture to ask for: a subject and how it is said."""

    subject: Subject
    caption: str
    language: str
    seed: int


def cases(count: int) -> list[Case]:
    """`count` held-out captions, every subject in both languages; half said plainly, none leaving things out."""
    made = []
    for k in range((count + 1) // 2):
        subject = random_subject(Random(f"held out {k}"))
        for language, chinese in (("en", 0.0), ("zh", 1.0)):
            words = caption(subject, Random(f"held out {k} {language}"), plain=0.5, chinese=chinese, keep=1.0)
            made.append(Case(subject, words, language, k))
    return made[:count]


def judged(subject: Subject, words: str, seen: Seen) -> Iterator[tuple[str, bool]]:
    """Each thing that a caption claimed, and whether it is seen."""
    facts = facts_of(subject)
    if isinstance(subject, Portrait):
        yield "background", seen.facts["backdrop"] == subject.backdrop
        for name in ("hair", "glasses", "hat", "beard"):
            yield name, seen.facts[name] == facts[name]
        return
    yield "background", all(seen.facts[name] == facts[name] for name in ("backdrop", "ground", "sky"))
    if subject.weather:
        yield "weather", seen.facts["weather"] == subject.weather
    yield from _judged_items(subject, words, seen)


def _judged_items(scene: Scene, words: str, seen: Seen) -> Iterator[tuple[str, bool]]:
    for item in scene.items[:1] if scene.layout == "count" else scene.items:
        same = [s for s in seen.items if s.kind == item.kind]
        yield "present", bool(same)
        yield "colour", any(s.colour == item.colour for s in same or seen.items)
    if scene.layout == "count":
        yield "count", len(seen.items) == len(scene.items)
    said = words.lower()
    if any(side in said for side in ("left", "right", "左", "右")):
        yield "left_right", _sides_right(scene, seen)
    if scene.layout == "above":
        yield "above", _in_order(scene, seen, "y")


def _sides_right(scene: Scene, seen: Seen) -> bool:
    if scene.layout == "beside":
        return _in_order(scene, seen, "x")
    towards = {"left": -1, "right": 1}[scene.items[0].place]
    return len(seen.items) == 1 and seen.items[0].x * towards > 0.2


def _in_order(scene: Scene, seen: Seen, axis: str) -> bool:
    """Both objects are seen, the first before the second along `axis`."""
    places = [[getattr(s, axis) for s in seen.items if s.kind == item.kind] for item in scene.items]
    return all(places) and min(places[0]) < max(places[1])


def tally(asked: Sequence[Case], seen: Iterable[Seen]) -> Scores:
    """Right or wrong, by "thing" and by "thing/language"."""
    scores: Scores = defaultdict(list)
    for case, one in zip(asked, seen, strict=True):
        for name, right in judged(case.subject, case.caption, one):
            scores[name].append(right)
            scores[f"{name}/{case.language}"].append(right)
    return scores


def shares(scores: Scores) -> dict[str, float]:
    return {name: round(sum(rights) / len(rights), 4) for name, rights in sorted(scores.items())}


def looked_at(judge: Judge, pictures: Tensor) -> list[Seen]:
    return [seen for part in pictures.split(64) for seen in judge.look(part)]


def renders(subjects: Sequence[Subject], style: str = "") -> Tensor:
    """(n, 3, 256, 256): the true pictures."""
    return torch.cat([draw_batch(subjects[k : k + 32], SIDE, SIDE, style) for k in range(0, len(subjects), 32)])


def calibrate(judge: Judge, asked: Sequence[Case]) -> dict[str, dict[str, float]]:
    """What the judge says of true renders, and of the same renders when each is held against another's caption."""
    subjects = [case.subject for case in asked]
    seen = looked_at(judge, renders(subjects))
    other = [*seen[SHUFFLED_BY:], *seen[:SHUFFLED_BY]]
    return {"true": shares(tally(asked, seen)), "shuffled": shares(tally(asked, other))}


def draw_all(pipeline: ZImagePipeline, asked: Sequence[Case]) -> Tensor:
    """(n, 3, 256, 256) in 0..1: what the model makes of each case."""
    return pictures(pipeline, [case.caption for case in asked], [case.seed for case in asked])


def judge_styles(
    pipeline: ZImagePipeline, judge: Judge, asked: Sequence[Case], folder: Path
) -> dict[str, dict[str, float]]:
    """By style, and "plain": how often it is recognised, and objects in it; the same of true renders in that style."""
    found = {}
    for style in STYLES:
        file = folder / f"{style}.safetensors"
        if style and not file.exists():
            continue
        with wearing(pipeline, file) if style else nullcontext():
            drawn = _styled(judge, asked, draw_all(pipeline, asked), style)
        true = _styled(judge, asked, renders([case.subject for case in asked], style), style)
        found[style or "plain"] = drawn | {f"true_{name}": share for name, share in true.items()}
    return found


def _styled(judge: Judge, asked: Sequence[Case], shown: Tensor, style: str) -> dict[str, float]:
    seen = looked_at(judge, shown)
    recognised = sum(one.facts["style"] == style for one in seen) / len(seen)
    return {"recognised": round(recognised, 4), "present": shares(tally(asked, seen)).get("present", 1.0)}


def seeds_differ(pipeline: ZImagePipeline, seeds: int) -> float:
    """The smallest mean difference, in 0..255, between any two pictures of one prompt."""
    drawn = pictures(pipeline, ["a red house on a meadow by day"] * seeds, range(seeds)).flatten(1)
    pairs = torch.cdist(drawn, drawn, p=1) / drawn.shape[1] * 255
    return round(float(pairs[~torch.eye(seeds, dtype=torch.bool)].min()), 2)


def judge_vae(pipeline: ZImagePipeline, count: int, photos: Path | None) -> dict[str, float]:
    """dB on held-out renders, on textures, and on the photographs of a folder, cut to squares."""
    held = [random_subject(Random(f"held out {k}")) for k in range(count)]
    found = {"vae_renders_db": psnr(pipeline.vae, renders(held))}
    found["vae_textures_db"] = psnr(pipeline.vae, textures(count, SIDE, 2**40, torch.device("cpu")))
    for style in STYLES[1:]:
        found[f"vae_{style}_db"] = psnr(pipeline.vae, renders(held, style))
    if photos:
        found["vae_photos_db"] = psnr(pipeline.vae, torch.stack([_square(f) for f in sorted(photos.iterdir())]))
    return {name: round(value, 2) for name, value in found.items()}


def _square(file: Path) -> Tensor:
    with Image.open(file) as photo:
        side = min(photo.size)
        left, top = (photo.width - side) // 2, (photo.height - side) // 2
        small = (
            photo.convert("RGB")
            .crop((left, top, left + side, top + side))
            .resize((SIDE, SIDE), Image.Resampling.LANCZOS)
        )
    return torch.frombuffer(bytearray(small.tobytes()), dtype=torch.uint8).view(SIDE, SIDE, 3).permute(2, 0, 1) / 255


def evaluate(model: Path, styles: Path, sample: Sample, device: str, photos: Path | None = None) -> Report:
    """Everything, ready for JSON: "judge" (its calibration), "base", "pictures" and "styles"."""
    judge, asked = load(), cases(sample.captions)
    pipeline = opened(model, device)
    drawn = looked_at(judge, draw_all(pipeline, asked))
    return {
        "judge": calibrate(judge, asked),
        "base": shares(tally(asked, drawn)),
        "pictures": judge_vae(pipeline, sample.vae_pictures, photos)
        | {"seeds_differ": seeds_differ(pipeline, sample.seeds)},
        "styles": judge_styles(pipeline, judge, asked[: sample.style_captions], styles),
    }


def table(report: Report) -> str:
    """The report as a person reads it."""
    lines = [f"{'':16}{'both':>8}{'en':>8}{'zh':>8}{'goal':>8}{'judge':>8}{'chance':>8}"]
    base, judge = report["base"], report["judge"]
    for name in (n for n in base if "/" not in n):
        row = [base[name], base.get(f"{name}/en"), base.get(f"{name}/zh"), GOALS.get(name)]
        row += [judge["true"].get(name), judge["shuffled"].get(name)]
        lines.append(f"{name:16}" + "".join(f"{v:8.3f}" if v is not None else f"{'':8}" for v in row))
    lines += [f"{name:16}{value:8.2f}" for name, value in report["pictures"].items()]
    lines += [
        f"{style:16}recognised {of['recognised']:.3f} (true {of['true_recognised']:.3f})"
        f"  present {of['present']:.3f} (true {of['true_present']:.3f})"
        for style, of in report["styles"].items()
    ]
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m demo.evaluate", description=__doc__.split("\n")[0])
    parser.add_argument("--model", type=Path, default=HERE / "model")
    parser.add_argument("--styles", type=Path, default=HERE.parent / "lora")
    parser.add_argument("--captions", type=int, default=Sample.captions)
    parser.add_argument("--style-captions", type=int, default=Sample.style_captions)
    parser.add_argument("--quick", action="store_true", help="a small sample, in a minute")
    parser.add_argument("--photos", type=Path, help="a folder of photographs for the autoencoder")
    parser.add_argument("--device", default=best_device().type)
    parser.add_argument("--json", type=Path, help="where the figures go as well")
    args = parser.parse_args()
    sample = QUICK if args.quick else Sample(args.captions, args.style_captions)
    report = evaluate(args.model, args.styles, sample, args.device, args.photos)
    if args.json:
        args.json.write_text(json.dumps(report, indent=1) + "\n", "utf-8")
    sys.stdout.write(table(report) + "\n")


if __name__ == "__main__":
    main()

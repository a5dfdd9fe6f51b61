"""A small network that says what is in a picture, from its pixels alone: the evaluator's eyes.

It is trained on true renders in every look, and never sees a picture that the demo model made. On a coarse grid it
says which object of which colour has its middle in a cell; of the whole picture it says the background, the weather,
what a face has, and the style. The style is told last, and from other signs: how a picture is made, not what it shows.
What the judge is worth is measured by `evaluate.calibrate`, on renders it has not seen.
"""

import argparse
from dataclasses import dataclass, replace
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

import torch
import torch.nn.functional as F
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from demo.device import best_device, half
from demo.draw import STYLES, Subject, draw_batch
from demo.looks import BLOCKS
from demo.loop import Plan, train
from demo.portraits import BEARDS, GLASSES, HAIR_COLOURS, HATS, Portrait
from demo.scenes import COLOURS, GROUNDS, KINDS, OBJECT_COLOURS, SKIES, WEATHERS, Item
from demo.vae import random_subject

HERE = Path(__file__).parent
WEIGHTS = HERE / "judge.safetensors"
SIDE, CELLS = 128, 16  # pictures are looked at in this size, objects found on this grid
BLOCK = SIDE // BLOCKS  # pixels of what is looked at, to a block of pixel art
SEEN = 0.4  # how sure the judge must be of an object; between two cells a sure one gives each 0.6
FACTS: dict[str, tuple[str, ...]] = {  # of the whole picture; "" where there is no such thing
    "domain": ("scene", "portrait"),
    "backdrop": ("", *COLOURS),
    "ground": ("", *GROUNDS),
    "sky": ("", *SKIES),
    "weather": ("", *WEATHERS),
    "hair": ("", *HAIR_COLOURS),
    "glasses": ("", *GLASSES),
    "hat": ("", *HATS),
    "beard": ("", *BEARDS),
}
BENT, WAVERING = 0.05, 0.015  # of half a side, deviation at most: an unsteady hand, over a sixth of a side and less
WORN = 3  # ways in which each render is worn when styles are told


@dataclass(frozen=True)
class Seen:
    """What a picture shows: its facts by name, and its objects with their places, as far as the judge is sure."""

    facts: dict[str, str]
    items: tuple[Item, ...]


def facts_of(subject: Subject) -> dict[str, str]:
    """What a true render of `subject` shows, whatever its style."""
    portrait = isinstance(subject, Portrait)
    return {
        "domain": "portrait" if portrait else "scene",
        "backdrop": subject.backdrop,
        "ground": "" if portrait else subject.ground,
        "sky": "" if portrait else subject.sky,
        "weather": "" if portrait else subject.weather,
        "hair": subject.hair_colour if portrait else "",
        "glasses": subject.glasses if portrait else "",
        "hat": subject.hat if portrait else "",
        "beard": subject.beard if portrait else "",
    }


class Judge(nn.Module):
    """0.4 M parameters; takes (n, 3, 128, 128) in 0..1."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Sequential(
            _conv(3, 24, 2), _conv(24, 32, 1), _conv(32, 48, 2), _conv(48, 48, 1), _conv(48, 72, 2)
        )
        self.body = nn.Sequential(_conv(72, 72, 1), _conv(72, 72, 1, 2), _conv(72, 72, 1, 4), _conv(72, 72, 1))
        self.objects = nn.Conv2d(72, 1 + len(KINDS) + len(OBJECT_COLOURS), 1)
        self.whole = nn.Sequential(_conv(72, 72, 2), _conv(72, 72, 2), nn.AdaptiveAvgPool2d(2), nn.Flatten())
        self.facts = nn.ModuleDict({name: nn.Linear(288, len(values)) for name, values in FACTS.items()})
        signs = 2 * sum(block[0].out_channels for block in self.stem) + 2 * BLOCK
        # of the signs, over true renders: mean and deviation
        self.register_buffer("usual", torch.stack([torch.zeros(signs), torch.ones(signs)]))
        self.style = nn.Sequential(nn.Linear(signs, 64), nn.SiLU(), nn.Linear(64, len(STYLES)))

    def forward(self, pictures: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
        """(n, 1 + kinds + colours, 16, 16) logits of objects; by name, (n, values) logits of facts."""
        x = self.body(self.stem(pictures * 2 - 1))
        pooled = self.whole(x)
        return self.objects(x), {name: head(pooled) for name, head in self.facts.items()}

    def signs(self, pictures: Tensor) -> Tensor:
        """(n, 456): how a picture is made. The mean and the deviation of each channel of the stem; and where in a block
        of pixel art its steps are, for such a picture has them between blocks alone, whatever else it has."""
        x, found = pictures * 2 - 1, _steps(pictures)
        for block in self.stem:
            x = block(x)
            found += [x.mean((2, 3)), x.std((2, 3))]
        return torch.cat(found, 1)

    def styles(self, signs: Tensor) -> Tensor:
        """(n, styles) logits."""
        mean, deviation = self.usual
        return self.style((signs - mean) / deviation)

    @torch.inference_mode()
    def look(self, pictures: Tensor) -> list[Seen]:
        """What each of (n, 3, side, side) pictures in 0..1 shows. It has learned square ones only."""
        pictures = F.interpolate(pictures, (SIDE, SIDE), mode="area")
        objects, facts = self(pictures)
        named = {name: [FACTS[name][k] for k in logits.argmax(1).tolist()] for name, logits in facts.items()}
        named["style"] = [STYLES[k] for k in self.styles(self.signs(pictures)).argmax(1).tolist()]
        return [
            Seen({name: values[n] for name, values in named.items()}, tuple(_peaks(one)))
            for n, one in enumerate(objects)
        ]


def _steps(pictures: Tensor) -> list[Tensor]:
    """Of the (n, 3, side, side) pictures' squared steps across and down, (n, BLOCK) shares by place in a block."""
    shares = []
    for axis in (2, 3):
        steps = F.pad(pictures.diff(dim=axis).square().sum((1, 5 - axis)), (0, 1))
        placed = steps.unflatten(1, (-1, BLOCK)).sum(1)
        shares.append(placed / placed.sum(1, keepdim=True).clamp(min=1e-6))
    return shares


def _conv(inside: int, out: int, stride: int, dilation: int = 1) -> nn.Sequential:
    conv = nn.Conv2d(inside, out, 3, stride, dilation, dilation, bias=False)
    return nn.Sequential(conv, nn.GroupNorm(8, out), nn.SiLU())


def _peaks(logits: Tensor) -> list[Item]:
    """Objects at cells that are surer than their neighbours, and sure enough."""
    sure = torch.sigmoid(logits[0])
    tops = F.max_pool2d(sure[None, None], 3, 1, 1)[0, 0]
    items = []
    for row, column in ((sure == tops) & (sure > SEEN)).nonzero().tolist():
        kind = KINDS[int(logits[1 : 1 + len(KINDS), row, column].argmax())]
        colour = OBJECT_COLOURS[int(logits[1 + len(KINDS) :, row, column].argmax())]
        x, y = (2 * (c + 0.5) / CELLS - 1 for c in (column, row))
        items.append(Item(kind, colour, x, y, 0.0))
    return items


def fit(judge: Judge, plan: Plan, styles: Plan, batch: int, pictures: int, folder: Path) -> bool:
    """Train in place on `pictures` renders, blurred and spotted at random so that it is not put off by small flaws.

    First what is seen, then on the finished stem the styles. False when its minutes ran out.
    """
    device = next(judge.parameters()).device
    subjects = [_weathered(random_subject(Random(f"judged {k}")), k) for k in range(pictures)]
    looks = [Random(f"look {k // 32}").choice((*STYLES, "", "")) for k in range(pictures)]
    drawn = torch.cat([
        F.interpolate(draw_batch(subjects[k : k + 32], 256, 256, looks[k], device), (SIDE, SIDE), mode="area")
        for k in range(0, pictures, 32)
    ])  # fmt: skip
    return _fit_sight(judge, plan, batch, drawn, _targets(subjects, device), folder) and _fit_styles(
        judge, styles, drawn, torch.tensor([STYLES.index(look) for look in looks], device=device)
    )


def _fit_sight(judge: Judge, plan: Plan, batch: int, drawn: Tensor, targets: dict[str, Tensor], folder: Path) -> bool:
    def loss_at(step: int) -> Tensor:
        chance = torch.Generator(drawn.device).manual_seed(step)
        rows = torch.randint(len(drawn), (batch,), generator=chance, device=drawn.device)
        with half(drawn.device):
            objects, facts = judge(unsteady(_worn(drawn[rows], chance), chance))
        return _loss(objects.float(), facts, {k: v[rows] for k, v in targets.items()})

    sight = [p for name, p in judge.named_parameters() if not name.startswith("style.")]
    return train("judge", sight, loss_at, plan, folder)


def _fit_styles(judge: Judge, plan: Plan, drawn: Tensor, wanted: Tensor) -> bool:
    chance = torch.Generator(drawn.device).manual_seed(0)
    with torch.no_grad():
        signs = torch.cat([judge.signs(_worn(some, chance)) for _ in range(WORN) for some in drawn.split(64)])
        judge.usual.copy_(torch.stack([signs.mean(0), signs.std(0).clamp(min=1e-3)]))
    wanted = wanted.repeat(WORN)

    def loss_at(step: int) -> Tensor:
        chance = torch.Generator(drawn.device).manual_seed(step)
        rows = torch.randint(len(signs), (256,), generator=chance, device=drawn.device)
        return F.cross_entropy(judge.styles(signs[rows]), wanted[rows])

    with TemporaryDirectory() as nowhere:  # a matter of seconds, and worth nothing on another stem
        return train("judge-styles", list(judge.style.parameters()), loss_at, plan, Path(nowhere))


def _weathered(subject: Subject, number: int) -> Subject:
    """Rain and snow are rare, and drops are small: the judge sees more of them."""
    if isinstance(subject, Portrait) or subject.backdrop:
        return subject
    return replace(subject, weather=("", *WEATHERS)[number % 3])


def _targets(subjects: list[Subject], device: torch.device) -> dict[str, Tensor]:
    """Facts (n,) by name; `heat` (n, 16, 16), a hill over the middle of each object; and `kind` and `colour`, -1 in
    cells that are not near one."""
    rows = [facts_of(s) for s in subjects]
    targets = {name: torch.tensor([values.index(r[name]) for r in rows]) for name, values in FACTS.items()}
    kinds = torch.full((len(subjects), CELLS, CELLS), -1)
    colours, heat = kinds.clone(), torch.zeros(kinds.shape)
    axis = 2 * (torch.arange(CELLS) + 0.5) / CELLS - 1
    for n, subject in enumerate(subjects):
        for item in () if isinstance(subject, Portrait) else subject.items:
            away = ((axis[None] - item.x) ** 2 + (axis[:, None] - item.y) ** 2) * (CELLS / 2) ** 2  # in cells, squared
            heat[n] = torch.maximum(heat[n], torch.exp(-away))
            kinds[n][away < 2] = KINDS.index(item.kind)
            colours[n][away < 2] = OBJECT_COLOURS.index(item.colour)
    return {k: v.to(device) for k, v in (targets | {"heat": heat, "kind": kinds, "colour": colours}).items()}


def _worn(pictures: Tensor, chance: torch.Generator) -> Tensor:
    """Half of them blurred, all with a little noise and a slightly different brightness."""
    n, device = len(pictures), pictures.device
    small = F.interpolate(F.avg_pool2d(pictures, 2), scale_factor=2, mode="bilinear")
    mix = torch.rand((n, 1, 1, 1), generator=chance, device=device) * 1.6 - 0.8
    worn = pictures + mix.clamp(min=0) * (small - pictures)
    light = 1 + 0.08 * (torch.rand((n, 1, 1, 1), generator=chance, device=device) - 0.5)
    noise = torch.randn(pictures.shape, generator=chance, device=device)
    return worn * light + 0.04 * torch.rand((n, 1, 1, 1), generator=chance, device=device) * noise


def unsteady(pictures: Tensor, chance: torch.Generator) -> Tensor:
    """As if drawn by an unsteady hand: softly bent by up to a few pixels, lines wavering, the objects' middles hardly
    moved; some pictures, and some places of a picture, quite soft."""
    n, device = len(pictures), pictures.device

    def spread(field: Tensor) -> Tensor:
        return F.interpolate(field, pictures.shape[-2:], mode="bicubic", align_corners=True)

    def pushed(grid: int) -> Tensor:
        return spread(torch.randn((n, 2, grid, grid), generator=chance, device=device))

    soft, bend, waver = torch.rand((3, n, 1, 1, 1), generator=chance, device=device)
    here = spread(torch.rand((n, 1, 7, 7), generator=chance, device=device))
    blurred = F.interpolate(F.avg_pool2d(pictures, 4), scale_factor=4, mode="bilinear")
    pictures = pictures + (soft + here - 1).clamp(0, 0.8) * (blurred - pictures)
    away = BENT * bend * pushed(7) + WAVERING * waver * pushed(25)
    places = F.affine_grid(torch.eye(2, 3, device=device).expand(n, 2, 3), list(pictures.shape), align_corners=False)
    return F.grid_sample(pictures, places + away.permute(0, 2, 3, 1), padding_mode="border", align_corners=False)


def _loss(objects: Tensor, facts: dict[str, Tensor], targets: dict[str, Tensor]) -> Tensor:
    there = targets["kind"] >= 0
    loss = 30 * F.binary_cross_entropy_with_logits(objects[:, 0], targets["heat"])
    if there.any():
        cells = objects.permute(0, 2, 3, 1)[there]
        loss = loss + F.cross_entropy(cells[:, 1 : 1 + len(KINDS)], targets["kind"][there])
        loss = loss + F.cross_entropy(cells[:, 1 + len(KINDS) :], targets["colour"][there])
    return loss + sum(F.cross_entropy(logits.float(), targets[name]) for name, logits in facts.items())


def save(judge: Judge, file: Path = WEIGHTS) -> None:
    save_file({k: v.half().contiguous() for k, v in judge.state_dict().items()}, file)


def load(file: Path = WEIGHTS) -> Judge:
    judge = Judge()
    judge.load_state_dict({k: v.float() for k, v in load_file(file).items()})
    return judge.eval()


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m demo.judge", description="Train the judge and write its weights.")
    parser.add_argument("--steps", type=int, default=6000)
    parser.add_argument("--style-steps", type=int, default=1000)
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--pictures", type=int, default=8000)
    parser.add_argument("--minutes", type=float, default=float("inf"), help="stop then; started again, it goes on")
    parser.add_argument("--device", default=best_device().type)
    parser.add_argument("--work", type=Path, default=HERE / "work")
    parser.add_argument("--out", type=Path, default=WEIGHTS)
    args = parser.parse_args()
    torch.manual_seed(5)
    judge = Judge().to(args.device)
    plan = Plan(args.steps, 2e-3, warmup=100, ema_decay=0.995, minutes=args.minutes)
    styles = Plan(args.style_steps, 3e-3, warmup=50, ema_decay=0.99)
    fit(judge, plan, styles, args.batch, args.pictures, args.work)
    save(judge.cpu(), args.out)


if __name__ == "__main__":
    main()

"""Weights come and go, and the pictures are the same to the bit."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import psutil
import pytest
import torch

from core.config import MemoryConfig, StylesConfig
from core.engine import Event, Picture, Tier
from core.errors import OutOfMemory, UserError
from core.request import StyleUse
from pipeline.describe import describe
from pipeline.engine import TorchEngine
from pipeline.placement.eight_bit import pack
from pipeline.placement.placement import Placement
from pipeline.placement.tiers import Plan, measure
from tests.pipeline.conftest import draw, find_photo, photo, request, source

STYLES = {
    "none": (),
    "one": (StyleUse("sketch", 0.7),),
    "two": (StyleUse("sketch", 0.7), StyleUse("cartoon", 0.5)),
}
Make = Callable[..., TorchEngine]


@pytest.fixture(scope="module")
def make(demo_model: Path, demo_styles: Path) -> Make:
    def make(tier: Tier, folder: Path = demo_model, **more: object) -> TorchEngine:
        info, settings = describe(str(folder)), MemoryConfig(tier)
        made = TorchEngine(info, demo_styles, "cpu", False, sources=find_photo, memory_config=settings, **more)  # type: ignore[arg-type]
        list(made.load())
        return made

    return make


@pytest.fixture(scope="module", params=["staged", "streamed"])
def placed(make: Make, request: pytest.FixtureRequest) -> TorchEngine:
    return make(request.param)


def weights(module: torch.nn.Module) -> bytes:
    return b"".join(p.detach().numpy().tobytes() for p in module.parameters())


@pytest.mark.parametrize("styles", STYLES)
def test_every_exact_tier_gives_the_bits_of_the_resident_one(
    placed: TorchEngine, engine: TorchEngine, styles: str
) -> None:
    wanted = request(styles=STYLES[styles], num_inference_steps=2, guidance_scale=1.0, negative_prompt="a boat")
    assert draw(placed, wanted) == draw(engine, wanted)


def test_a_picture_from_a_picture_and_an_enlarged_one_have_the_same_bits(
    placed: TorchEngine, engine: TorchEngine
) -> None:
    for changes in ({}, {"upscale": 2, "width": 160, "height": 160}):
        wanted = request(source=source(photo(), 0.5), num_inference_steps=2, styles=STYLES["one"], **changes)
        assert draw(placed, wanted) == draw(engine, wanted)


def test_requests_that_take_turns_between_text_steps_and_decode_have_the_bits_of_each_alone(
    placed: TorchEngine, engine: TorchEngine
) -> None:
    wanted = [
        request(f"a {thing}", seed=n, styles=styles, num_inference_steps=n + 1)
        for n, (thing, styles) in enumerate(zip(("boat", "house", "star"), STYLES.values(), strict=True))
    ]
    placed.prompts.forget()
    running = [placed.generate(one) for one in wanted]
    last: list[Event | None] = [None] * len(wanted)
    late = 0  # each request begins when the one before it is at its steps
    while not all(isinstance(event, Picture) for event in last):
        late += 1
        for k, events in enumerate(running[:late]):
            if not isinstance(last[k], Picture):
                last[k] = next(events)
    assert last == [Picture(draw(engine, one)) for one in wanted]


def test_only_what_has_its_turn_is_on_the_device(make: Make) -> None:
    staged, streamed = make("staged").placement, make("streamed").placement
    whole = {name: component.size for name, component in staged._components.items()}
    for name in whole:
        for placement in (staged, streamed):
            placement.turn(name)
            assert [n for n, c in placement._components.items() if c.there] == [name]
        assert staged.held == whole[name]
        assert streamed.held < whole[name] or name == "vae"
    assert streamed.peak < staged.peak < sum(whole.values())


def test_what_fits_beside_it_may_stay(demo_model: Path, make: Make) -> None:
    engine = make("staged")
    measured = measure(demo_model, engine.info, 4)
    needs = replace(measured, work=dict.fromkeys(measured.parts, 10_000_000))
    modules = {name: getattr(engine.model, name) for name in needs.parts}
    engine.placement.close()
    room = needs.parts["transformer"].total + needs.parts["text_encoder"].total + 10_100_000
    placement = Placement(modules, torch.device("cpu"), Plan("staged", needs, room), {})

    def there(name: str) -> set[str]:
        placement.turn(name)
        return {n for n, c in placement._components.items() if c.there}

    assert there("text_encoder") == {"text_encoder"}
    assert there("transformer") == {"text_encoder", "transformer"}
    assert there("vae") == {"vae"}  # the text encoder leaves first, and that is not enough
    assert there("text_encoder") == {"vae", "text_encoder"}


@pytest.mark.parametrize("tier", ["staged", "streamed"])
def test_a_layer_that_is_used_while_it_is_away_is_an_error_and_no_picture(make: Make, tier: Tier) -> None:
    engine = make(tier)
    engine.placement.turn("vae")
    with pytest.raises(RuntimeError):
        engine.model.transformer.layers[0].feed_forward.w1(torch.zeros(1, 256))


def test_a_layer_is_gone_as_soon_as_the_next_but_one_is_there(make: Make) -> None:
    engine = make("streamed")
    layers = engine.model.transformer.layers
    most = 0

    def count(*_: object) -> None:
        nonlocal most
        most = max(most, sum(layer.feed_forward.w1.weight.numel() > 0 for layer in layers))

    for layer in layers:
        layer.feed_forward.register_forward_hook(count)
    draw(engine, request(num_inference_steps=1))
    assert most == 1  # the next one's bytes are there, but nobody can use them yet


def test_8_bits_give_nearly_the_picture_in_a_fraction_of_the_memory(make: Make, engine: TorchEngine) -> None:
    small = make("8-bit")
    wanted = request(styles=STYLES["one"], num_inference_steps=8)
    ours, theirs = (np.frombuffer(draw(e, wanted).rgb, np.uint8).astype(int) for e in (small, engine))
    assert 0 < np.abs(ours - theirs).mean() < 4  # of 255
    assert draw(small, wanted).rgb == ours.astype(np.uint8).tobytes()
    assert small.facts().weights_peak < 0.4 * engine.facts().weights_peak
    assert small.facts().dtype == "float32, 8-bit"


def test_a_weight_in_8_bits_is_within_a_sixteenth_of_itself_whatever_its_row() -> None:
    weight = torch.randn(64, 96, generator=torch.Generator().manual_seed(1)) * torch.logspace(-6, 3, 64)[:, None]
    weight[3] = 0.0
    packed = pack(weight)
    assert packed.scale is not None
    back = packed.numbers.float() * packed.scale
    near = weight.abs() > weight.abs().amax(1, keepdim=True) / 1000
    assert ((back - weight).abs() <= weight.abs() / 16)[near].all()
    assert (back[3] == 0).all()
    bias = torch.randn(7)
    assert torch.equal(pack(bias).numbers, bias)


@pytest.mark.parametrize("tier", ["resident", "staged", "streamed", "8-bit"])
def test_at_rest_the_memory_is_given_back_and_nothing_has_changed_after_that(make: Make, tier: Tier) -> None:
    engine = make(tier)
    engine.placement.turn("transformer")
    expected = draw(engine, request(num_inference_steps=2))
    engine.placement.turn("transformer")
    before, held = weights(engine.model.transformer), engine.placement.held
    list(engine.rest())
    facts = engine.facts()
    assert (facts.at_rest, facts.weights_bytes) == (True, 0)
    engine.wake()
    assert not engine.facts().at_rest
    assert engine.placement.held == held or tier != "resident"
    engine.placement.turn("transformer")
    assert weights(engine.model.transformer) == before
    list(engine.rest())
    assert draw(engine, request(num_inference_steps=2)) == expected  # also for one who does not wake it


def test_at_rest_nine_tenths_of_the_transformers_memory_are_the_systems_again(make: Make) -> None:
    engine = make("resident")
    size = engine.placement._components["transformer"].size
    resident = psutil.Process().memory_info().rss
    list(engine.rest())
    assert resident - psutil.Process().memory_info().rss >= 0.9 * size


@pytest.mark.parametrize("change", ["changed", "removed"])
def test_weights_that_were_exchanged_while_they_were_at_rest_are_refused(
    make: Make, model_copy: Callable[[], Path], change: str
) -> None:
    folder = model_copy()
    engine = make("resident", folder)
    list(engine.rest())
    file = folder / "transformer" / "diffusion_pytorch_model.safetensors"
    if change == "changed":
        file.write_bytes(file.read_bytes())
    else:
        file.unlink()
    with pytest.raises(UserError, match="diffusion_pytorch_model.safetensors was changed or removed"):
        draw(engine, request(num_inference_steps=1))


def test_each_step_down_takes_less_and_gives_the_same_bits_until_there_is_none(make: Make, engine: TorchEngine) -> None:
    made = make("resident")
    wanted = request(num_inference_steps=2, styles=STYLES["one"])
    expected = draw(engine, wanted)
    held, seen = [], []
    while True:
        assert draw(made, wanted) == expected
        made.placement.turn("transformer")
        held.append(made.placement.held)
        seen.append((made.facts().tier, made.facts().lowered))
        if not made.lower():
            break
    assert seen == [("resident", False), ("staged", True), ("streamed", True)]
    assert held == sorted(held, reverse=True)


def test_from_8_bits_the_next_step_down_is_exact_again(make: Make, engine: TorchEngine) -> None:
    made = make("8-bit")
    assert made.lower()
    assert draw(made, request()) == draw(engine, request())
    assert made.facts().tier == "streamed"


@pytest.mark.parametrize("tier", ["staged", "streamed", "8-bit"])
def test_memory_that_runs_out_on_the_way_to_the_device_leaves_it_as_it_was(
    make: Make, tier: Tier, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = make(tier)
    wanted = request(num_inference_steps=1)
    expected = draw(engine, wanted)
    engine.placement.turn("vae")
    left = 3

    def scarce(nbytes: int, device: torch.device) -> torch.Tensor:
        nonlocal left
        left -= 1
        if not left:
            return torch.empty(2**50)  # torch's own error, the real one
        return torch.zeros(nbytes, dtype=torch.uint8)

    monkeypatch.setattr("pipeline.placement.block.allocate", scarce)
    monkeypatch.setattr("pipeline.placement.passage.allocate", scarce)
    with pytest.raises(OutOfMemory):
        draw(engine, wanted)
    failed = engine.model.vae if tier == "8-bit" else engine.model.transformer
    assert not any(weight.numel() for weight in failed.parameters())  # not even a part is there
    assert draw(engine, wanted) == expected


def test_a_swap_of_styles_moves_no_weights(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    engine = make("staged", budgets=StylesConfig())
    events = engine.generate(request(styles=STYLES["one"]))
    next(events), next(events)
    moved: list[str] = []
    monkeypatch.setattr(engine.placement, "turn", moved.append)
    engine.styles.bring([engine.styles.find(use) for use in STYLES["two"]])
    assert moved == []
    assert len(engine.facts().styles) == 2

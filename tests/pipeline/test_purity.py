"""Styles leave no trace: after any swaps, blends, failures and cancels the base is bitwise what was loaded."""

import gc
import hashlib
import random
import shutil
from pathlib import Path

import pytest
import torch

from core.config import StylesConfig
from core.engine import Event, Picture
from core.errors import UserError
from core.request import StyleUse
from pipeline.describe import describe
from pipeline.engine import TorchEngine
from tests.hostile import corpus
from tests.pipeline.conftest import draw, request

SWAPS = 500


def checksum(engine: TorchEngine) -> str:
    digest = hashlib.sha256()
    for name, tensor in sorted(engine.model.transformer.state_dict().items()):
        digest.update(name.encode())
        digest.update(tensor.contiguous().view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()


@pytest.fixture(scope="session")
def folder(demo_styles: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The demo's styles, and two that fail: one in the file, one in the picture."""
    folder = tmp_path_factory.mktemp("lora")
    for name in ("cartoon", "sketch"):
        shutil.copy(demo_styles / f"{name}.safetensors", folder)
    (folder / "broken.safetensors").write_bytes(corpus.packed(corpus.pair("layers.99.attention.to_q")))
    huge = corpus.pair() | {corpus.DOWN: corpus.zeros(4, 256, value=3e38), corpus.UP: corpus.zeros(256, 4, value=3e38)}
    (folder / "overflows.safetensors").write_bytes(corpus.packed(huge))
    return folder


@pytest.fixture(scope="session")
def own(demo_model: Path, folder: Path, tmp_path_factory: pytest.TempPathFactory) -> TorchEngine:
    """An engine of its own with room for nothing: every swap reads the compiled file."""
    cache = tmp_path_factory.mktemp("cache")
    budgets = StylesConfig(device_mb=0, host_mb=0, cache_mb=0)
    made = TorchEngine(describe(str(demo_model)), folder, "cpu", previews=False, cache_folder=cache, budgets=budgets)
    list(made.load())
    return made


def uses(*styles: tuple[str, float]) -> tuple[StyleUse, ...]:
    return tuple(StyleUse(name, strength) for name, strength in styles)


@pytest.mark.slow
def test_five_hundred_swaps_blends_failures_and_cancels_leave_the_base_untouched(own: TorchEngine) -> None:
    weights, first = checksum(own), draw(own, request(num_inference_steps=2))
    chance = random.Random(4)
    names = ["cartoon", "sketch", "broken", "overflows", "no such"]
    outcomes = dict.fromkeys(("done", "cancelled", "failed"), 0)
    for _ in range(SWAPS):
        styles = [
            (chance.choice(names[: chance.choice((2, 5))]), chance.uniform(-2, 2)) for _ in range(chance.randint(0, 4))
        ]
        events = own.generate(request(styles=uses(*styles), num_inference_steps=1, width=32, height=32))
        try:
            for _ in range(chance.randint(0, 4)):
                next(events)
            outcomes["cancelled"] += 1
        except StopIteration:
            outcomes["done"] += 1
        except UserError:
            outcomes["failed"] += 1
        events.close()
    assert all(count > SWAPS / 20 for count in outcomes.values()), outcomes
    assert checksum(own) == weights
    assert draw(own, request(num_inference_steps=2)) == first


def test_strength_zero_is_bitwise_the_base(engine: TorchEngine) -> None:
    assert draw(engine, request(styles=uses(("sketch", 0.0)))) == draw(engine, request())


def test_two_styles_differ_from_either_alone(engine: TorchEngine) -> None:
    cartoon, sketch = ("cartoon", 0.6), ("sketch", 0.6)
    pictures = {draw(engine, request(styles=uses(*s))).rgb for s in ([cartoon], [sketch], [cartoon, sketch], [])}
    assert len(pictures) == 4


def test_without_any_room_the_bits_are_the_same(own: TorchEngine, engine: TorchEngine) -> None:
    for styles in ([("sketch", 0.7)], [("cartoon", 1.0), ("sketch", -0.4)]):
        wanted = request(styles=uses(*styles), num_inference_steps=2)
        assert draw(own, wanted) == draw(engine, wanted)
    assert own.facts().styles == own.styles.styles


def test_interleaved_requests_with_other_styles_give_the_bits_of_each_alone(own: TorchEngine) -> None:
    wanted = [
        request(seed=1, styles=uses(("sketch", 0.9)), num_inference_steps=3),
        request(seed=2, styles=uses(("cartoon", 0.8)), num_inference_steps=2),
        request(seed=3, styles=uses(("cartoon", -0.5), ("sketch", 1.2)), num_inference_steps=3),
        request(seed=4, num_inference_steps=2),
    ]
    alone = [draw(own, w) for w in wanted]
    assert [p.frame for p in interleaved(own, wanted)] == alone


def interleaved(engine: TorchEngine, wanted: list) -> list[Picture]:
    running = [engine.generate(w) for w in wanted]
    last: list[Event | None] = [None] * len(wanted)
    while any(not isinstance(event, Picture) for event in last):
        for k, events in enumerate(running):
            if not isinstance(last[k], Picture):
                last[k] = next(events)
    return [event for event in last if isinstance(event, Picture)]


@pytest.mark.parametrize("change", ["replaced", "deleted"])
def test_a_file_that_changes_once_a_request_has_begun_changes_nothing(
    own: TorchEngine, folder: Path, change: str
) -> None:
    file = folder / "late.safetensors"
    shutil.copy(folder / "sketch.safetensors", file)
    wanted = request(styles=uses(("late", 1.0)), num_inference_steps=2)
    expected = draw(own, request(styles=uses(("sketch", 1.0)), num_inference_steps=2))
    events = own.generate(wanted)
    next(events)
    if change == "replaced":
        shutil.copy(folder / "cartoon.safetensors", folder / "new.safetensors")
        (folder / "new.safetensors").replace(file)
    else:
        file.unlink()
    draw(own, request(styles=uses(("cartoon", 1.0)), num_inference_steps=1))  # and its memory is wanted by another
    *_, picture = events
    assert isinstance(picture, Picture) and picture.frame == expected
    file.unlink(missing_ok=True)


def test_a_file_that_changes_before_a_request_begins_is_an_error_and_the_next_one_runs(
    own: TorchEngine, folder: Path
) -> None:
    file = folder / "early.safetensors"
    shutil.copy(folder / "sketch.safetensors", file)
    sha256 = hashlib.sha256(file.read_bytes()).hexdigest()
    waiting = [own.generate(request(styles=(StyleUse("early", 1.0, sha256),))) for _ in range(2)]
    shutil.copy(folder / "cartoon.safetensors", file)
    with pytest.raises(UserError, match="changed after you asked"):
        next(waiting[0])
    file.unlink()
    with pytest.raises(UserError, match="not there any more"):
        next(waiting[1])
    draw(own, request(styles=uses(("sketch", 1.0)), num_inference_steps=1))


def test_a_picture_broken_by_a_style_names_it(own: TorchEngine) -> None:
    with pytest.raises(UserError, match='by the style "overflows"'):
        draw(own, request(styles=uses(("overflows", 1.0)), num_inference_steps=1))


def test_memory_does_not_grow_with_swaps(own: TorchEngine) -> None:
    def swap(times: int) -> int:
        for k in range(times):
            draw(
                own,
                request(styles=uses((("sketch", "cartoon")[k % 2], 1.0)), num_inference_steps=1, width=32, height=32),
            )
        gc.collect()
        return sum(type(o) in (torch.Tensor, torch.nn.Parameter) for o in gc.get_objects())

    assert swap(4) == swap(40)

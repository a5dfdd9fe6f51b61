"""Compiled once, for every style: no swap, rank, strength, size or caption compiles anything anew.

The compiler's own code generator takes a minute and gives nothing to test here: torch's tracing is real, its graphs run
as they were traced.
"""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import torch
from diffusers import ZImageTransformer2DModel
from diffusers.models.transformers.transformer_z_image import ZImageTransformerBlock
from torch import Tensor, nn

from core.engine import Event, Picture
from core.request import StyleUse
from pipeline.compiling import compiled_slots, release, slots_for
from pipeline.engine import TorchEngine
from pipeline.lora.deltas import Deltas, Kronecker, LowRank
from pipeline.lora.lean import KEPT, LeanSlots
from pipeline.lora.metadata import Scale
from pipeline.lora.slots import Slots
from pipeline.model import Model
from tests.pipeline.conftest import draw, request
from tests.pipeline.lora.conftest import velocity

Graphs = list[torch.fx.GraphModule]


@pytest.fixture(scope="module")
def graphs() -> Graphs:
    """What was compiled so far."""
    return []


@pytest.fixture(scope="module")
def model(engine: TorchEngine, demo_model: Path) -> Model:
    """The engine's model with a transformer of its own."""
    transformer = ZImageTransformer2DModel.from_pretrained(demo_model / "transformer", dtype=torch.float32)
    given = engine.model
    return Model(
        transformer.eval().requires_grad_(False), given.text_encoder, given.tokenizer, given.vae,
        given.scheduler_config, given.device, given.dtype,
    )  # fmt: skip


@pytest.fixture(scope="module")
def compiled(model: Model, graphs: Graphs) -> Iterator[LeanSlots]:
    def keep(graph: torch.fx.GraphModule, inputs: object) -> Callable[..., object]:
        graphs.append(graph)
        return graph.forward

    slots = compiled_slots(model, 256, 256, backend=keep)
    assert isinstance(slots, LeanSlots)
    yield slots
    release(model.transformer, slots)
    torch._dynamo.reset()


@pytest.fixture(autouse=True)
def unbound(compiled: LeanSlots) -> Iterator[None]:
    yield
    compiled.clear()


def style(slots: Slots, rank: int, seed: int = 0, among: str = "") -> Deltas:
    """Random changes to every layer whose name has `among` in it; ranks differ from layer to layer."""
    generator = torch.Generator().manual_seed(seed)
    made = {}
    for k, (name, linear) in enumerate(slots.linears.items()):
        if among in name:
            each = max(1, rank - k % 3)
            down = torch.randn(each, linear.in_features, generator=generator) * 0.05
            up = torch.randn(linear.out_features, each, generator=generator) * 0.05
            made[name] = LowRank(down, up, Scale(2.0, 4.0))
    return made


def near(ours: Tensor, exact: Tensor) -> bool:
    """As near as sums in another order can be; what a style changes is a thousand times more."""
    return bool((ours - exact).abs().max() < 1e-4 * exact.abs().max())


def exact(model: Model, demo_model: Path, styles: list[tuple[Deltas, float]]) -> Tensor:
    """What the transformer predicts uncompiled, with the styles bound bit for bit."""
    transformer = ZImageTransformer2DModel.from_pretrained(demo_model / "transformer", dtype=torch.float32)
    Slots(transformer).bind(styles)
    return velocity(transformer)


def test_fifty_swaps_of_ranks_and_strengths_compile_nothing(model: Model, compiled: LeanSlots, graphs: Graphs) -> None:
    assert len(graphs) == 2  # without a style, and with one
    styles = [style(compiled, rank, rank) for rank in (1, 4, 16, 33, 128)]
    seen = set()
    for k in range(50):
        compiled.bind([(styles[k % 5], 0.1 + k / 50)])
        seen.add(float(velocity(model.transformer).sum()))
    assert len(seen) == 50
    assert len(graphs) == 2


@pytest.fixture
def ours(engine: TorchEngine, model: Model, compiled: LeanSlots) -> TorchEngine:
    """An engine that draws with the compiled transformer."""
    made = TorchEngine(engine.info, engine.lora_folder, "cpu")
    made.use(model)
    made.slots = compiled
    return made


def test_sizes_captions_blends_and_partial_styles_compile_nothing(
    ours: TorchEngine, model: Model, compiled: LeanSlots, graphs: Graphs
) -> None:
    parts = [style(compiled, 8, 1, among) for among in ("attention.to_q", "feed_forward", "layers.3", "embedder")]
    for blend in ([], parts[:1], parts[1:3], parts, parts[3:]):
        compiled.bind([(deltas, 0.7) for deltas in blend])
        velocity(model.transformer)
    for prompt, width, height in (("a cat", 96, 160), ("a red house " * 40, 128, 128), ("a boat", 224, 64)):
        draw(ours, request(prompt, width=width, height=height, num_inference_steps=1))
    assert len(graphs) == 2


def test_interleaved_requests_give_the_bits_of_each_alone(ours: TorchEngine, graphs: Graphs) -> None:
    wanted = [
        request(seed=1),
        request("a blue boat at night", seed=2, styles=(StyleUse("cartoon", 0.8),)),
        request("a cat", width=160, height=96, styles=(StyleUse("sketch"), StyleUse("cartoon", 0.3))),
        request("a cat", guidance_scale=2.0, styles=(StyleUse("sketch", 0.5),)),
    ]
    alone = [draw(ours, each).rgb for each in wanted]
    last: list[Event] = []
    for events in zip(*map(ours.generate, wanted), strict=True):
        last = list(events)
    assert [event.frame.rgb for event in last if isinstance(event, Picture)] == alone
    assert len(set(alone)) == len(wanted)
    assert len(graphs) == 2


def test_a_small_model_or_a_processor_is_left_uncompiled_unless_asked(engine: TorchEngine) -> None:
    for wanted in ("auto", "off"):
        assert type(slots_for(engine.model, wanted, 128, 128)) is Slots
    assert type(engine.slots) is Slots


@pytest.mark.parametrize("count", [0, 1, 2, 3])
def test_a_compiled_picture_is_that_of_the_exact_way(
    model: Model, compiled: LeanSlots, demo_model: Path, count: int
) -> None:
    styles = [(style(compiled, 4 + 3 * k, k), (0.8, -0.4, 1.3)[k]) for k in range(count)]
    compiled.bind(styles)
    assert near(velocity(model.transformer), exact(model, demo_model, styles))


def test_styles_taken_in_turn_leave_nothing_of_each_other(model: Model, compiled: LeanSlots) -> None:
    first, second = style(compiled, 4, 1), style(compiled, 16, 2, "to_q")
    orders = [[(first, 1.0)], [(second, 0.5)], [], [(first, 0.3)], [(first, 0.3), (second, 1.0)]]
    alone = []
    for styles in orders:
        compiled.clear()
        compiled.bind(styles)
        alone.append(velocity(model.transformer))
    for k in (3, 0, 4, 2, 1, 4, 0, 3, 2, 0, 1):
        compiled.bind(orders[k])
        assert torch.equal(velocity(model.transformer), alone[k])


def test_a_style_without_a_low_rank_is_bound_exactly_and_not_compiled(
    model: Model, compiled: LeanSlots, demo_model: Path, graphs: Graphs
) -> None:
    module = "layers.0.feed_forward.w2"
    rows, columns = compiled.linears[module].weight.shape
    factors = (torch.randn(2, 2),), (torch.randn(rows // 2, columns // 2) * 0.05,)
    styles: list[tuple[Deltas, float]] = [({module: Kronecker(*factors, Scale())}, 0.9)]
    compiled.bind([(style(compiled, 4), 1.0)])
    compiled.bind(styles)
    assert not compiled.compiled
    assert torch.equal(velocity(model.transformer), exact(model, demo_model, styles))
    compiled.bind([])
    assert near(velocity(model.transformer), exact(model, demo_model, []))
    assert len(graphs) == 2


def test_a_failed_bind_leaves_what_was_bound(model: Model, compiled: LeanSlots) -> None:
    compiled.bind([(style(compiled, 4), 0.8)])
    expected = velocity(model.transformer)
    with pytest.raises(KeyError):
        compiled.bind([({"layers.99": LowRank(torch.ones(1, 1), torch.ones(1, 1), Scale())}, 1.0)])
    assert torch.equal(velocity(model.transformer), expected)


def test_few_blends_are_kept(compiled: LeanSlots) -> None:
    for seed in range(3 * KEPT):
        compiled.bind([(style(compiled, 3, seed, "layers.1"), 1.0)])
    assert len(compiled._blends) == KEPT
    compiled.clear()
    assert not compiled._blends


def test_the_module_tree_and_the_state_dict_stay_those_of_the_base(model: Model, compiled: LeanSlots) -> None:
    base = ZImageTransformer2DModel.from_config(model.transformer.config)
    compiled.bind([(style(compiled, 4), 1.0)])
    assert [name for name, _ in model.transformer.named_modules()] == [name for name, _ in base.named_modules()]
    assert list(model.transformer.state_dict()) == list(base.state_dict())


def test_a_compiler_that_fails_leaves_the_transformer_as_it_was(
    engine: TorchEngine, demo_model: Path, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(graph: torch.fx.GraphModule, inputs: object) -> Callable[..., object]:
        raise OSError("there is no compiler")

    transformer = ZImageTransformer2DModel.from_pretrained(demo_model / "transformer", dtype=torch.float32).eval()
    before = velocity(transformer)
    given = engine.model
    model = Model(
        transformer, given.text_encoder, given.tokenizer, given.vae, given.scheduler_config, given.device, given.dtype
    )
    slots = compiled_slots(model, 128, 128, backend=broken)
    assert type(slots) is Slots
    assert "not compiled" in caplog.text
    assert all(type(linear) is nn.Linear for linear in slots.linears.values())
    assert all("forward" not in b.__dict__ for b in transformer.modules() if isinstance(b, ZImageTransformerBlock))
    assert torch.equal(velocity(transformer), before)

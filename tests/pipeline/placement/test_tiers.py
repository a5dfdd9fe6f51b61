"""The tier that is chosen is the quickest that keeps to the budget, for the real model as for the demo."""

from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from core.config import MemoryConfig, StylesConfig
from core.engine import Tier
from core.errors import UserError
from pipeline import memory
from pipeline.describe import describe
from pipeline.placement.planning import plan
from pipeline.placement.tiers import EXACT, GB, TIERS, Needs, Part, choose, measure

REAL = Needs(  # Z-Image-Turbo in bf16 at 1024x1024, as its architecture has it
    {
        "text_encoder": Part(2, 8_045_000_000, 7_267_000_000, 202_000_000, 12_288),
        "transformer": Part(2, 12_310_000_000, 12_286_000_000, 362_000_000, 15_616),
        "vae": Part(4, 335_000_000, 0, 0, 0),
    },
    {"text_encoder": 76_000_000, "transformer": 863_000_000, "vae": 3_221_000_000},
    styles=1_024_000_000,
)


@pytest.mark.parametrize(
    ("free_gb", "tier"),
    [(80, "resident"), (25, "resident"), (24, "staged"), (15.2, "staged"), (11.2, "8-bit"), (7.2, "streamed")],
)
def test_the_real_model_finds_its_tier_by_what_is_free(free_gb: float, tier: Tier) -> None:
    chosen = choose(REAL, int(free_gb * GB))
    assert chosen.tier == tier
    assert REAL.of(tier) <= free_gb * GB


def test_streaming_the_real_model_takes_less_than_6_gb() -> None:
    assert REAL.of("streamed") < 6 * GB


def test_where_the_bits_have_to_be_the_same_8_bits_are_passed_over() -> None:
    assert choose(REAL, 11 * GB, among=EXACT).tier == "streamed"


def test_a_budget_too_small_for_any_tier_is_told_with_what_would_fit() -> None:
    with pytest.raises(UserError) as told:
        choose(REAL, 3 * GB)
    says = str(told.value)
    assert "There are 3.0 GB" in says and "needs 4.6 GB" in says and 'tier to "streamed"' in says


def test_a_tier_that_is_asked_for_is_taken_or_told_by_what_fits() -> None:
    assert choose(REAL, 0, "resident").tier == "resident"  # nobody has named a budget
    assert choose(REAL, 80 * GB, "streamed").tier == "streamed"
    with pytest.raises(UserError, match='"staged" needs .* GB, and there are 12.0 GB. Set .* to "8-bit"'):
        choose(REAL, 12 * GB, "staged")


def test_each_tier_takes_less_than_the_one_before() -> None:
    needs = [REAL.of(tier) for tier in TIERS]
    assert needs == sorted(needs, reverse=True)


def test_what_weights_take_is_read_from_their_files_in_the_dtype_they_will_have(demo_model: Path) -> None:
    needs = measure(demo_model, describe(str(demo_model)), 4)
    stored = load_file(demo_model / "transformer" / "diffusion_pytorch_model.safetensors")
    assert needs.parts["transformer"].total == 4 * sum(weight.numel() for weight in stored.values())
    assert needs.parts["transformer"].in_blocks > 0.9 * needs.parts["transformer"].total
    assert needs.parts["vae"].in_blocks == 0
    half = measure(demo_model, describe(str(demo_model)), 2)
    assert half.parts["transformer"].total * 2 == needs.parts["transformer"].total
    assert half.parts["vae"] == needs.parts["vae"]


def test_settings_say_what_is_wanted_and_the_demo_has_room_enough(demo_model: Path) -> None:
    info, cpu = describe(str(demo_model)), torch.device("cpu")
    assert plan(info, cpu, MemoryConfig(), StylesConfig()).tier == "resident"
    assert plan(info, cpu, MemoryConfig(tier="streamed"), StylesConfig()).tier == "streamed"


def test_a_card_that_others_fill_gets_a_lower_tier(demo_model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    info, cpu = describe(str(demo_model)), torch.device("cpu")
    needs = measure(demo_model, info, 4)
    monkeypatch.setattr(memory, "budget_of", lambda *_: needs.of("resident") - 1)
    assert plan(info, cpu, MemoryConfig(), StylesConfig()).tier == "staged"
    monkeypatch.setattr(memory, "budget_of", lambda *_: 1_000_000)
    with pytest.raises(UserError, match="at the very least"):
        plan(info, cpu, MemoryConfig(), StylesConfig())

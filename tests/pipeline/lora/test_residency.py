"""What is on the device keeps to its budget, and what a request has begun with cannot vanish."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from core.errors import UserError
from core.request import StyleUse
from pipeline.lora.cache import Cache
from pipeline.lora.inspect import Inspector
from pipeline.lora.residency import Residency
from tests.hostile import corpus
from tests.pipeline.lora.formats import block_modules, dotted, random_style

CPU = torch.device("cpu")


@pytest.fixture
def folder(inspector: Inspector, tmp_path: Path) -> Path:
    """Four styles of one size, a to d."""
    folder = tmp_path / "lora"
    folder.mkdir()
    for seed, name in enumerate("abcd"):
        style = random_style(inspector.shapes, block_modules(inspector.shapes), seed=seed)
        style.write(folder / f"{name}.safetensors", dotted(""))
    return folder


@pytest.fixture
def residency(folder: Path, cache: Cache) -> Callable[[float], Residency]:
    """One with room for that many of them."""

    def make(styles: float) -> Residency:
        made = Residency(folder, cache, CPU, 0, 0)
        made._device_bytes = int(made.find(StyleUse("a")).nbytes * styles)
        return made

    return make


def test_the_least_recently_used_goes_first(residency: Callable[[float], Residency]) -> None:
    kept = residency(2.5)
    a, b, c, d = (kept.find(StyleUse(name)) for name in "abcd")
    kept.bring([a]), kept.bring([b]), kept.bring([a]), kept.bring([c])
    assert kept.styles == {a.sha256, c.sha256}
    assert kept.nbytes == a.nbytes + c.nbytes
    kept.bring([c]), kept.bring([d])
    assert kept.styles == {c.sha256, d.sha256}


def test_what_is_needed_now_stays_whatever_the_budget(residency: Callable[[float], Residency]) -> None:
    kept = residency(0)
    a, b, c = (kept.find(StyleUse(name)) for name in "abc")
    kept.bring([a, b])
    assert kept.styles == {a.sha256, b.sha256}
    kept.bring([c])
    assert kept.styles == {c.sha256}


def test_what_is_resident_is_not_built_anew(residency: Callable[[float], Residency]) -> None:
    kept = residency(2)
    a = kept.find(StyleUse("a"))
    assert kept.bring([a])[0] is kept.bring([kept.find(StyleUse("a"))])[0]


def test_prefetch_takes_only_room_that_nobody_needs(residency: Callable[[float], Residency]) -> None:
    kept = residency(2.5)
    a, b, c, d = (kept.find(StyleUse(name)) for name in "abcd")
    kept.bring([a])
    kept.prefetch(b)
    assert kept.styles == {a.sha256, b.sha256}
    kept.prefetch(c)
    assert kept.styles == {a.sha256, c.sha256}
    kept.bring([a, c])
    kept.prefetch(d)
    assert kept.styles == {a.sha256, c.sha256}


def test_what_was_freed_comes_back(residency: Callable[[float], Residency]) -> None:
    kept = residency(2)
    a = kept.find(StyleUse("a"))
    before = kept.bring([a])[0]["layers.0.attention.to_q"](torch.ones(1, 256), 1.0)
    kept.free()
    assert (kept.styles, kept.nbytes) == (frozenset(), 0)
    assert torch.equal(kept.bring([a])[0]["layers.0.attention.to_q"](torch.ones(1, 256), 1.0), before)


@pytest.mark.parametrize("change", ["replaced", "rewritten", "deleted"])
def test_a_style_that_changes_before_a_request_begins_is_an_error_even_if_it_is_resident(
    residency: Callable[[float], Residency], folder: Path, change: str
) -> None:
    kept = residency(4)
    file = folder / "a.safetensors"
    pinned = StyleUse("a", 1.0, kept.find(StyleUse("a")).sha256)
    kept.bring([kept.find(pinned)])
    if change == "replaced":
        (folder / "b.safetensors").replace(file)
    elif change == "rewritten":
        file.write_bytes(file.read_bytes()[:-1] + b"\1")
    else:
        file.unlink()
    with pytest.raises(UserError, match="not there any more" if change == "deleted" else "changed after you asked"):
        kept.find(pinned)


@pytest.mark.parametrize("name", ["no such", "sub/none", "x" * 200, "\N{CJK UNIFIED IDEOGRAPH-98CE}"])
def test_a_style_that_is_not_there_is_named(residency: Callable[[float], Residency], name: str) -> None:
    with pytest.raises(UserError, match="not there any more"):
        residency(1).find(StyleUse(name))


def test_no_name_reaches_out_of_the_styles_folder(
    residency: Callable[[float], Residency], folder: Path, tmp_path: Path
) -> None:
    (tmp_path / "secret.safetensors").write_bytes((folder / "a.safetensors").read_bytes())
    (folder / "link.safetensors").symlink_to(tmp_path / "secret.safetensors")
    with pytest.raises(UserError, match="not there any more"):
        residency(1).find(StyleUse("link"))


def test_a_style_that_does_not_fit_says_why(residency: Callable[[float], Residency], folder: Path) -> None:
    (folder / "a.safetensors").write_bytes(corpus.packed(corpus.pair(into=3840, out=3840)))
    with pytest.raises(UserError, match='"a" was made for Z-Image'):
        residency(1).find(StyleUse("a"))


@pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no CUDA device")
def test_host_memory_keeps_to_its_budget_and_gives_the_same_numbers(folder: Path, inspector: Inspector) -> None:
    cache = Cache(None, 0, inspector, torch.bfloat16)
    kept = Residency(folder, cache, torch.device("cuda"), 0, 0)
    styles = [kept.find(StyleUse(name)) for name in "abcd"]
    kept._host_bytes = int(styles[0].nbytes * 2.5)
    for style in [*styles, *styles]:
        (deltas,) = kept.bring([style])
        expected = style.deltas(style.data)
        for module, delta in deltas.items():
            assert torch.equal(delta.up.cpu(), expected[module].up)
        assert sum(block.numel() for block in kept._in_host.values()) <= kept._host_bytes
        assert all(block.is_pinned() for block in kept._in_host.values())
    assert list(kept._in_host) == [style.sha256 for style in styles[2:]]

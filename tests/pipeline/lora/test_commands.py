"""`python -m studio inspect` and `compile` say what is what, and by their exit status whether all is well."""

import json
from pathlib import Path

import pytest

from pipeline.lora.inspect import Inspector
from studio.__main__ import main
from tests.hostile import corpus
from tests.pipeline.lora.formats import block_modules, dotted, random_style


@pytest.fixture
def config(tmp_path: Path, demo_model: Path) -> list[str]:
    """A studio of its own, on the demo model."""
    file = tmp_path / "config.toml"
    folders = "".join(f'{name} = "{tmp_path / name}"\n' for name in ("lora", "lora_cache", "data"))
    file.write_text(f'[model]\npath = "{demo_model}"\ndevice = "cpu"\n[paths]\n{folders}')
    (tmp_path / "lora" / "sub").mkdir(parents=True)
    return ["--config", str(file)]


def test_inspect_says_what_a_file_is(
    config: list[str], inspector: Inspector, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    style = random_style(inspector.shapes, block_modules(inspector.shapes))
    file = style.write(tmp_path / "s.safetensors", dotted("diffusion_model."), {"who": "me"})
    assert main(["inspect", *config, str(file)]) == 0
    told = capsys.readouterr().out
    assert "ComfyUI · LoRA · 24 of 24 modules · rank 4 · F32" in told
    assert "who: me" in told


def test_inspect_fails_for_a_file_that_cannot_be_used(
    config: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "a.safetensors").write_bytes(corpus.packed(corpus.pair("transformer.layers.99.attention.to_q")))
    assert main(["inspect", *config, "--json", str(tmp_path / "a.safetensors"), str(tmp_path / "none")]) == 1
    odd, missing = json.loads(capsys.readouterr().out)
    assert (odd["modules"], odd["applied"]) == (1, 0)
    assert "layers.99" in odd["problem"]
    assert "cannot be read" in missing["problem"]


def test_compile_makes_all_ready_and_goes_on_after_one_that_cannot_be(
    config: list[str], inspector: Inspector, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    style = random_style(inspector.shapes, block_modules(inspector.shapes))
    (tmp_path / "lora" / "broken.safetensors").write_bytes(b"<html>")
    style.write(tmp_path / "lora" / "sub" / "good.safetensors", dotted(""))
    assert main(["compile", *config]) == 1
    assert capsys.readouterr().out.split("\n")[1] == "ok   sub/good"
    assert len(list((tmp_path / "lora_cache").iterdir())) == 1
    assert main(["compile", *config, "sub/good"]) == 0

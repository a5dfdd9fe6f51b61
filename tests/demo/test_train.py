"""From nothing to weights in a few steps: what comes out loads through plain diffusers and draws."""

import json
from pathlib import Path
from shutil import copytree

import pytest
import torch
from diffusers import ZImagePipeline
from PIL import Image
from safetensors.torch import load_file

from demo import train
from demo.evaluate import Sample, evaluate
from demo.sheet import SHOWN, rows, sheet
from demo.text import embed, tokens_of

TINY = ["--device", "cpu", "--eager", "--pictures", "12", "--batch", "2", "--only", "sketch"]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("trained")
    where = [f"--{name}={folder / name}" for name in ("work", "model", "styles")]
    train.main([*TINY, *where, "--steps", "2"])
    return folder


def test_one_command_makes_a_model_and_a_style(made: Path) -> None:
    pipeline = ZImagePipeline.from_pretrained(made / "model")
    pipeline.set_progress_bar_config(disable=True)

    def picture() -> torch.Tensor:
        noise = torch.Generator().manual_seed(0)
        asked = {"height": 64, "width": 96, "num_inference_steps": 2, "guidance_scale": 0.0}
        return pipeline("a red house", generator=noise, output_type="pt", **asked).images

    plain = picture()
    assert plain.shape == (1, 3, 64, 96)
    assert torch.equal(plain, picture())
    pipeline.load_lora_weights(str(made / "styles"), weight_name="sketch.safetensors")
    assert not torch.equal(plain, picture())


def test_words_are_embedded_as_the_pipeline_does_it(made: Path) -> None:
    pipeline = ZImagePipeline.from_pretrained(made / "model", dtype=torch.float32)
    prompts = ["a red house", "夜晚，一只红色的猫在草地上", ""]
    tokens, lengths = tokens_of(pipeline.tokenizer, prompts, 32)
    with torch.inference_mode():
        embeds, said = embed(pipeline.text_encoder, tokens, lengths)
        theirs, _ = pipeline.encode_prompt(prompts, do_classifier_free_guidance=False, device="cpu")
    for mine, mask, their in zip(embeds, said, theirs, strict=True):
        assert torch.allclose(mine[mask], their, atol=1e-5)


def test_a_style_says_and_shows_what_it_is(made: Path) -> None:
    about = json.loads((made / "styles" / "sketch.json").read_text("utf-8"))
    assert set(about) == {"name", "trigger_words", "description", "author"}
    with Image.open(made / "styles" / "sketch.preview.webp") as preview:
        assert preview.size == (256, 256)


def test_a_model_says_what_it_knows(made: Path) -> None:
    own = json.loads((made / "model" / "studio.json").read_text("utf-8"))
    assert {"house", "smiling"} <= set(own["vocabulary"]["en"])
    assert {"房子", "微笑的"} <= set(own["vocabulary"]["zh_CN"])


def test_a_finished_training_only_writes(made: Path, capsys: pytest.CaptureFixture[str]) -> None:
    where = [f"--{name}={made / name}" for name in ("work", "model", "styles")]
    before = (made / "work" / "base.pt").read_bytes()
    train.main([*TINY, *where, "--steps", "0", "--stage", "base"])
    assert (made / "work" / "base.pt").read_bytes() == before
    assert "model written" in capsys.readouterr().out


def test_where_the_checkpoints_are_gone_training_goes_on_from_finished_weights(made: Path, tmp_path: Path) -> None:
    copytree(made / "styles", tmp_path / "styles")
    where = [f"--{name}={tmp_path / name}" for name in ("work", "model", "styles")]
    train.main([*TINY, *where, f"--begin={made / 'model'}", "--stage", "base", "styles", "--steps", "0"])
    for weights in ("model/transformer/diffusion_pytorch_model", "model/text_encoder/model", "styles/sketch"):
        begun, gone_on = (load_file(folder / f"{weights}.safetensors") for folder in (made, tmp_path))
        assert begun.keys() == gone_on.keys()
        assert all(torch.equal(begun[key], gone_on[key]) for key in begun)


def test_going_on_with_all_stages_leaves_the_autoencoder_whose_latents_the_rest_knows(
    made: Path, tmp_path: Path
) -> None:
    where = [f"--{name}={tmp_path / name}" for name in ("work", "model", "styles")]
    train.main([*TINY, *where, f"--begin={made / 'model'}", "--steps", "1"])
    begun, gone_on = (
        load_file(folder / "model" / "vae" / "diffusion_pytorch_model.safetensors") for folder in (made, tmp_path)
    )
    assert all(torch.equal(begun[key], gone_on[key]) for key in begun)


def test_what_comes_out_can_be_evaluated(made: Path) -> None:
    report = evaluate(made / "model", made / "styles", Sample(6, 2, 2, 2), "cpu")
    assert {"background", "background/en", "background/zh"} <= set(report["base"])
    assert report["pictures"]["seeds_differ"] > 0
    assert set(report["styles"]) == {"plain", "sketch"}
    assert report["styles"]["sketch"]["true_recognised"] > 0.5 > report["styles"]["sketch"]["recognised"]


def test_a_contact_sheet_has_a_row_for_each_style(made: Path) -> None:
    shown = rows(made / "model", made / "styles")
    assert [len(row) for row in shown] == [len(shown[0])] * 2
    assert sheet(shown).size == (len(shown[0]) * SHOWN, 2 * SHOWN)

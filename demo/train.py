"""From nothing to weights: `python -m demo.train`. Killed and started again, it goes on where it was.

Writes the model in diffusers' folder layout to `demo/model` and the styles to `lora/`; work in progress is kept in
`demo/work`, which may be deleted once the weights are there.
"""

import argparse
import shutil
from pathlib import Path

import torch
from diffusers import AutoencoderKL, FlowMatchEulerDiscreteScheduler, ZImagePipeline, ZImageTransformer2DModel
from transformers import PreTrainedTokenizerFast, Qwen3Model

from demo import base, style, text, vae
from demo.draw import STYLES

HERE = Path(__file__).parent


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m demo.train", description=__doc__.split("\n")[0])
    parser.add_argument("--vae-steps", type=int, default=3000)
    parser.add_argument("--base-steps", type=int, default=7800)
    parser.add_argument("--style-steps", type=int, default=500)
    parser.add_argument("--work", type=Path, default=HERE / "work", help="checkpoints and cached latents")
    parser.add_argument("--model", type=Path, default=HERE / "model", help="where the finished model goes")
    parser.add_argument("--styles", type=Path, default=HERE.parent / "lora", help="where the finished styles go")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads(), help="processor cores to use")
    args = parser.parse_args()
    torch.set_num_threads(args.threads)

    autoencoder = vae.fit(args.work, args.vae_steps)
    tokenizer = text.tokenizer_of(args.work)
    torch.manual_seed(4)
    encoder = text.build_encoder()
    transformer = base.fit(autoencoder, tokenizer, encoder, args.work, args.base_steps)
    export(autoencoder, tokenizer, encoder, transformer, args.model)
    for name in filter(None, STYLES):
        fresh = ZImageTransformer2DModel.from_pretrained(args.model / "transformer", torch_dtype=torch.float32)
        tensors = style.fit(name, autoencoder, tokenizer, encoder, fresh, args.work, args.style_steps)
        args.styles.mkdir(parents=True, exist_ok=True)
        style.write(tensors, args.styles / f"{name}.safetensors")
        print(f"style {name}: {len(tensors) // 2} modules", flush=True)


def export(
    autoencoder: AutoencoderKL,
    tokenizer: PreTrainedTokenizerFast,
    encoder: Qwen3Model,
    transformer: ZImageTransformer2DModel,
    folder: Path,
) -> None:
    """Write a diffusers folder: bf16 transformer and encoder, fp32 VAE, and `studio.json`, the model's own defaults."""
    plain = base.build()
    plain.load_state_dict(transformer.state_dict())
    pipeline = ZImagePipeline(
        scheduler=FlowMatchEulerDiscreteScheduler(shift=base.SHIFT),
        vae=autoencoder,
        text_encoder=_bf16(encoder),
        tokenizer=tokenizer,
        transformer=plain.to(torch.bfloat16),
    )
    pipeline.save_pretrained(folder)
    shutil.copyfile(HERE / "studio.json", folder / "studio.json")
    print(f"model written to {folder}", flush=True)


def _bf16(encoder: Qwen3Model) -> Qwen3Model:
    copy = text.build_encoder()
    copy.load_state_dict(encoder.state_dict())
    return copy.to(torch.bfloat16)


if __name__ == "__main__":
    main()

"""The demo's text side: a byte-level tokenizer learned from captions and a two-layer Qwen3 (a third is never used)."""

from collections.abc import Sequence
from pathlib import Path
from random import Random

import torch
from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, trainers
from torch import Tensor
from transformers import PreTrainedTokenizerFast, Qwen3Config, Qwen3Model

from demo.captions import caption
from demo.vae import random_subject

VOCABULARY = 1024
WIDTH = 160
SPECIAL = ("<|endoftext|>", "<|im_start|>", "<|im_end|>")
CHAT_TEMPLATE = (
    "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)


def tokenizer_of(folder: Path) -> PreTrainedTokenizerFast:
    """The tokenizer kept in `folder`, made the first time: weights trained on one would not fit another."""
    kept = folder / "tokenizer"
    if not kept.exists():
        build_tokenizer().save_pretrained(folder / "tokenizer.partial")
        (folder / "tokenizer.partial").rename(kept)
    return PreTrainedTokenizerFast.from_pretrained(kept)


def build_tokenizer(texts: int = 20_000) -> PreTrainedTokenizerFast:
    """Byte-level BPE: knows the captions' words as single tokens and any other text as bytes."""
    rng = Random("tokenizer")
    said = [caption(random_subject(rng), rng) for _ in range(texts)]
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [  # Chinese has no spaces: split it into characters, or whole phrases would become single tokens
            pre_tokenizers.Split(Regex(r"[\u3000-\u303f\u4e00-\u9fff\uff00-\uffef]"), "isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False),
        ]
    )
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY,
        special_tokens=list(SPECIAL),
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        min_frequency=20,
        show_progress=False,
    )
    tokenizer.train_from_iterator(said + ["user\nassistant\n"] * 50, trainer)
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        pad_token=SPECIAL[0],
        eos_token=SPECIAL[2],
        chat_template=CHAT_TEMPLATE,
        model_max_length=512,
        padding_side="right",
    )


def build_encoder() -> Qwen3Model:
    """Three layers as the real one has 36; the pipeline reads `hidden_states[-2]`, so the last is not trained."""
    return Qwen3Model(
        Qwen3Config(
            vocab_size=VOCABULARY,
            hidden_size=WIDTH,
            intermediate_size=3 * WIDTH,
            num_hidden_layers=3,
            num_attention_heads=5,
            num_key_value_heads=5,
            head_dim=32,
            max_position_embeddings=512,
            rope_parameters={"rope_type": "default", "rope_theta": 10_000.0},
        )
    )


def trained_parameters(encoder: Qwen3Model) -> list[torch.nn.Parameter]:
    return [*encoder.embed_tokens.parameters(), *encoder.layers[:-1].parameters()]


def chat(tokenizer: PreTrainedTokenizerFast, prompts: Sequence[str]) -> list[str]:
    """The prompts as `ZImagePipeline` shows them to the encoder."""
    return [
        tokenizer.apply_chat_template(
            [{"role": "user", "content": p}], tokenize=False, add_generation_prompt=True, enable_thinking=True
        )
        for p in prompts
    ]


def tokens_of(tokenizer: PreTrainedTokenizerFast, prompts: Sequence[str], longest: int) -> tuple[Tensor, Tensor]:
    """(n, longest) int16 tokens, padded, and (n,) their true lengths, which may be more than `longest`."""
    before, after = chat(tokenizer, ["\0"])[0].split("\0")  # the template once, not once a prompt: it takes 50 us
    rows = tokenizer([before + p + after for p in prompts]).input_ids
    tokens = torch.full((len(rows), longest), tokenizer.pad_token_id, dtype=torch.int16)
    for row, ids in zip(tokens, rows, strict=True):
        row[: min(len(ids), longest)] = torch.tensor(ids[:longest], dtype=torch.int16)
    return tokens, torch.tensor([len(ids) for ids in rows])


def embed(encoder: Qwen3Model, tokens: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
    """(n, T, WIDTH) embeddings of (n, T) `tokens`, and (n, T) where they mean something."""
    said = torch.arange(tokens.shape[1], device=tokens.device) < lengths[:, None]
    out = encoder(input_ids=tokens.long(), attention_mask=said.long(), output_hidden_states=True)
    return out.hidden_states[-2], said

"""Prompt to embeddings, as `ZImagePipeline` makes them, remembered: a prompt seen before skips the text encoder."""

import copy
from collections import OrderedDict
from typing import Any

import torch
from torch import Tensor, nn

from core.errors import N_, UserError

MAX_TOKENS = 512
REMEMBERED = 128  # prompts; a long one of the real model is 2.6 MB


class PromptEncoder:
    """Encodes one prompt at a time, padded to 512 tokens: other lengths would give other bits."""

    def __init__(self, tokenizer: Any, text_encoder: nn.Module, device: torch.device) -> None:
        self._tokenizer, self._text_encoder, self._device = tokenizer, without_last_layer(text_encoder), device
        self._known: OrderedDict[str, Tensor] = OrderedDict()

    def __call__(self, prompt: str) -> Tensor:
        """(tokens, hidden) in the encoder's dtype. Raises UserError when the prompt is more than 512 tokens."""
        if prompt in self._known:
            self._known.move_to_end(prompt)
            return self._known[prompt]
        embedding = self._encode(prompt)
        self._known[prompt] = embedding
        if len(self._known) > REMEMBERED:
            self._known.popitem(last=False)
        return embedding

    def forget(self) -> None:
        """Encode every prompt anew from now on."""
        self._known.clear()

    @torch.inference_mode()
    def _encode(self, prompt: str) -> Tensor:
        chat = self._tokenizer.apply_chat_template(
            [{"role": "user", "content": prompt}], tokenize=False, add_generation_prompt=True, enable_thinking=True
        )
        tokens = self._tokenizer([chat], padding="max_length", max_length=MAX_TOKENS, return_tensors="pt")
        count = int(tokens.attention_mask.sum())
        if count > MAX_TOKENS:  # diffusers would cut it without a word
            raise UserError(
                N_("The prompt is too long for this model: {count} tokens, {most} is the most. Shorten it."),
                count=count,
                most=MAX_TOKENS,
            )
        mask = tokens.attention_mask.to(self._device).bool()
        ids = tokens.input_ids.to(self._device)
        hidden = self._text_encoder(input_ids=ids, attention_mask=mask, use_cache=False).last_hidden_state
        return hidden[0][mask[0]].clone()


def without_last_layer(text_encoder: nn.Module) -> nn.Module:
    """The same encoder up to the layer before its last, which is all that Z-Image asks of it: `hidden_states[-2]`.

    The layers and the hooks on the encoder are shared, and the encoder itself stays whole.
    """
    shorter = copy.copy(text_encoder)
    layers: Any = text_encoder.layers
    shorter._modules = text_encoder._modules | {"layers": nn.ModuleList(layers[:-1]), "norm": nn.Identity()}
    return shorter

"""Attention for compiled blocks: rotation in real numbers, which compilers can fuse, and the kernel that is quickest.

diffusers rotates queries and keys as complex numbers, which torch's compiler leaves to separate kernels. Which kernel
of torch's attention is quickest differs by card and release, so it is measured once. Another than torch's own choice
has to be plainly quicker, or two starts of the same studio might differ in the last bits of their pictures.
"""

from collections.abc import Callable, Mapping
from functools import partial
from statistics import median
from time import perf_counter

import torch
from diffusers.models.attention_dispatch import AttentionBackendName, dispatch_attention_fn
from diffusers.models.attention_processor import Attention
from diffusers.models.transformers.transformer_z_image import ZSingleStreamAttnProcessor
from torch import Tensor

NATIVE, OTHERS = "native", ("_native_cudnn", "_native_flash")
MARGIN = 0.95  # of torch's own choice's time, which another has to keep to
RUNS = 9


class LeanAttention(ZSingleStreamAttnProcessor):  # type: ignore[misc]
    """Where it is not compiled, it does what diffusers' own does, bit for bit."""

    def __init__(self, kernel: str = NATIVE) -> None:
        super().__init__()
        self.kernel = AttentionBackendName(kernel)

    def __call__(
        self,
        attn: Attention,
        hidden_states: Tensor,
        encoder_hidden_states: Tensor | None = None,
        attention_mask: Tensor | None = None,
        freqs_cis: Tensor | None = None,
    ) -> Tensor:
        """(1, tokens, dim) to the same; when compiling, `freqs_cis` is its real view, (1, tokens, head / 2, 2)."""
        if not torch.compiler.is_compiling():
            out: Tensor = super().__call__(attn, hidden_states, encoder_hidden_states, attention_mask, freqs_cis)
            return out
        query, key, value = (
            part(hidden_states).unflatten(-1, (attn.heads, -1)) for part in (attn.to_q, attn.to_k, attn.to_v)
        )
        if attn.norm_q is not None:
            query = attn.norm_q(query)
        if attn.norm_k is not None:
            key = attn.norm_k(key)
        if freqs_cis is not None:
            query, key = rotate(query, freqs_cis), rotate(key, freqs_cis)
        mixed = dispatch_attention_fn(query, key, value, attn_mask=attention_mask, backend=self.kernel)
        projected: Tensor = attn.to_out[0](mixed.flatten(2, 3))
        return projected


def rotate(x: Tensor, turns: Tensor) -> Tensor:
    """Rotary embedding (https://arxiv.org/abs/2104.09864) of neighbouring pairs in `x`, (n, tokens, heads, head).

    `turns`, (n, tokens, head / 2, 2), are cosines and sines.
    """
    real, imaginary = x.float().reshape(*x.shape[:-1], -1, 2).unbind(-1)
    cos, sin = turns.unsqueeze(2).unbind(-1)
    turned = torch.stack((real * cos - imaginary * sin, real * sin + imaginary * cos), -1)
    return turned.flatten(3).type_as(x)


def quickest(tokens: int, heads: int, head: int, device: torch.device, dtype: torch.dtype) -> str:
    """diffusers' name of the kernel for sequences of about so many tokens; off graphics cards it is torch's choice."""
    if device.type != "cuda":
        return NATIVE
    query = torch.randn(1, tokens, heads, head, device=device, dtype=dtype)

    def attend(kernel: str) -> None:
        dispatch_attention_fn(query, query, query, backend=kernel)
        torch.cuda.synchronize(device)

    times = {NATIVE: _seconds(partial(attend, NATIVE))}
    for kernel in OTHERS:
        try:
            times[kernel] = _seconds(partial(attend, kernel))
        except (RuntimeError, ValueError):  # this card, or this build of torch, does not have it
            continue
    return chosen(times)


def chosen(seconds: Mapping[str, float]) -> str:
    """The quickest kernel, of those measured; torch's own choice unless another is plainly quicker."""
    best = min(seconds, key=lambda kernel: seconds[kernel])
    return best if seconds[best] < MARGIN * seconds[NATIVE] else NATIVE


def _seconds(run: Callable[[], None]) -> float:
    times = []
    for _ in range(RUNS):
        started = perf_counter()
        run()
        times.append(perf_counter() - started)
    return median(times[1:])

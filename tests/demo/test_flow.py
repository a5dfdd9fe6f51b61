"""The transformer on whole batches is the transformer: the same numbers as diffusers' own forward."""

import pytest
import torch

from demo import base
from demo.flow import FusedAttention, blocks, velocity
from demo.text import WIDTH


@pytest.mark.parametrize("fused", [False, True])
@pytest.mark.parametrize("shape", [(16, 16, 16), (16, 12, 20)], ids=str)  # 64 patches, and 60 that are padded to 64
def test_velocity_is_what_diffusers_computes(shape: tuple[int, int, int], fused: bool) -> None:
    torch.manual_seed(0)
    transformer = base.build().eval()
    torch.nn.init.normal_(transformer.x_pad_token)
    torch.nn.init.normal_(transformer.cap_pad_token)
    lengths = torch.tensor([9, 32, 20])
    latents, words, t = torch.randn(3, *shape), torch.randn(3, 32, WIDTH), torch.tensor([0.0, 0.3, 0.9])
    with torch.inference_mode():
        spoken = [w[:n] for w, n in zip(words, lengths, strict=True)]
        theirs = torch.stack(transformer(list(latents.unsqueeze(2)), t, spoken, return_dict=False)[0]).squeeze(2)
        if fused:
            for block in blocks(transformer):
                block.attention.set_processor(FusedAttention())
        ours = velocity(transformer, latents, t, words, torch.arange(32) < lengths[:, None])
    assert torch.allclose(ours, theirs, atol=2e-5)

"""For which model a style seems to be made, by what its tensors are called and how wide they are: a guess, to show."""

import re
from collections.abc import Iterable, Mapping

from pipeline.lora.container import Container, Entry
from pipeline.lora.keys import Survey

DEMO_WIDTH, REAL_WIDTH, LUMINA_WIDTH = 256, 3840, 2304
_FAMILIES = (
    (r"double_stream_modulation|single_stream_modulation", "FLUX.2"),
    (r"single_transformer_blocks|double_blocks|single_blocks|guidance_in", "FLUX.1"),
    (r"(img|txt)_mod\b|(img|txt)_(mod|mlp)[._]|transformer_blocks[._]\d+[._]attn[._]add_q_proj", "Qwen-Image"),
    (r"joint_transformer_blocks", "AuraFlow"),
    (r"joint_blocks|context_block", "Stable Diffusion 3"),
    (r"(^|[._])blocks[._]\d+[._](self_attn|cross_attn|ffn)", "Wan"),
    (r"caption_projection|adaln_single|transformer_blocks[._]\d+[._]attn1", "PixArt or LTX"),
    (r"linear_attn|conv_inverted", "Sana"),
)
_UNET = re.compile(r"(down|up|mid|input|output|middle)_blocks?[._]")
_CONTEXT = re.compile(r"attn2[._]to_k[._]")
_CONTEXT_WIDTHS = {768: "Stable Diffusion 1.5", 1024: "Stable Diffusion 2", 2048: "Stable Diffusion XL"}
_BLOCK = re.compile(r"(?:layers|refiner)[._]\d+[._]attention[._](?:to[._][qkv]|qkv)\b")


def guess_model(container: Container, found: Survey, shapes: Mapping[str, tuple[int, int]]) -> str:
    """The name of the model, or "" when it is this one or cannot be told."""
    for pattern, family in _FAMILIES:
        if _any(pattern, container.entries):
            return family
    if any(_UNET.search(name) for name in container.entries):
        return _unet(container)
    widths = {_width(entry) for entry in container.entries.values() if _BLOCK.search(entry.name)} - {0}
    if len(widths) == 1 and (width := widths.pop()) != shapes["layers.0.attention.to_q"][1]:
        return _named(width, any("qkv" in path for path in found.groups))
    return ""


def _named(width: int, fused: bool) -> str:
    if width == REAL_WIDTH:
        return "Z-Image"
    if width == DEMO_WIDTH:
        return "Jimeng demo"
    if width == LUMINA_WIDTH and fused:
        return "Lumina Image 2"
    return f"Z-Image ({width})"


def _unet(container: Container) -> str:
    for entry in container.entries.values():
        if _CONTEXT.search(entry.name) and (width := _width(entry)):
            return _CONTEXT_WIDTHS.get(width, "Stable Diffusion")
    return "Stable Diffusion XL" if _any("lora_te2_|text_encoder_2", container.entries) else "Stable Diffusion"


def _width(entry: Entry) -> int:
    """How wide the input of a module is, told by its LoRA's first matrix; 0 when this is another tensor."""
    is_down = re.search(r"\.lora[_.](A|down)\b", entry.name) and len(entry.shape) >= 2
    return entry.shape[1] if is_down else 0


def _any(pattern: str, names: Iterable[str]) -> bool:
    compiled = re.compile(pattern)
    return any(compiled.search(name) for name in names)

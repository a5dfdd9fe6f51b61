"""Files that are broken, or made to do harm, and the words by which each has to be refused.

`python -m tests.hostile.corpus FOLDER` writes them all, to try other programs with.
"""

import gzip
import io
import json
import pickle
import struct
import sys
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

Header = dict[str, object]
WIDTH = 256  # of the demo model
Q = "transformer.layers.0.attention.to_q"
DOWN, UP = f"{Q}.lora_A.weight", f"{Q}.lora_B.weight"
CODES = {"F32": "f", "F16": "e", "F64": "d", "I8": "b", "U8": "B", "I64": "q"}


@dataclass(frozen=True)
class Case:
    """`says` has to stand in the message of the refusal."""

    name: str
    data: bytes
    says: str


class Marker:
    """What a pickle would run: it makes a file, by which one sees that it was run."""

    def __init__(self, path: str) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, ...]:
        return (open, (self.path, "w"))


def raw(header: bytes, data: bytes = b"", length: int | None = None) -> bytes:
    return struct.pack("<Q", len(header) if length is None else length) + header + data


def described(dtype: object, shape: object, *offsets: object) -> Header:
    return {"dtype": dtype, "shape": shape, "data_offsets": list(offsets)}


def packed(
    tensors: dict[str, tuple[str, tuple[int, ...], bytes]], metadata: object = None, trailing: bytes = b""
) -> bytes:
    """A well-formed file of (dtype, shape, bytes)."""
    header: Header = {} if metadata is None else {"__metadata__": metadata}
    data = b""
    for name, (dtype, shape, content) in tensors.items():
        header[name] = described(dtype, shape, len(data), len(data) + len(content))
        data += content
    return raw(json.dumps(header).encode(), data + trailing)


def zeros(*shape: int, dtype: str = "F32", value: float = 0.0) -> tuple[str, tuple[int, ...], bytes]:
    size = 1
    for side in shape:
        size *= side
    return dtype, shape, struct.pack("<" + CODES[dtype], value) * size


def pair(
    name: str = "",
    rank: int = 4,
    into: int = WIDTH,
    out: int = WIDTH,
    a: str = "lora_A.weight",
    b: str = "lora_B.weight",
) -> dict[str, tuple[str, tuple[int, ...], bytes]]:
    name = name or Q
    return {f"{name}.{a}": zeros(rank, into), f"{name}.{b}": zeros(out, rank)}


def kohya(*names: str, into: int = 320, out: int = 320) -> bytes:
    tensors = {}
    for name in names:
        tensors |= pair(name, 4, into, out, "lora_down.weight", "lora_up.weight")
        tensors[f"{name}.alpha"] = zeros(value=4.0)
    return packed(tensors)


def adapter(**settings: object) -> bytes:
    prefixed = {f"transformer.{key}": value for key, value in settings.items()}
    return packed(pair(), {"lora_adapter_metadata": json.dumps(prefixed)})


def containers() -> Iterator[Case]:
    """Not a safetensors file, or not a whole one."""
    good = packed(pair())
    length = struct.unpack("<Q", good[:8])[0]
    yield Case("empty", b"", "it is empty")
    yield Case("one byte", b"\x01", "does not begin")
    yield Case("nine bytes", struct.pack("<Q", 1) + b"{", "does not begin")
    yield Case("noise", bytes(range(256)) * 40, "does not begin")
    yield Case("header of 2^63 bytes", raw(b"{}", length=2**63), "does not begin")
    yield Case("header beyond the end", raw(b"{   }", length=12), "cut off")
    yield Case("header of no bytes", raw(b"", b"{}{}", length=0), "header cannot be read")
    yield Case("header of 90 MB", raw(b"{" + b" " * 90_000_000 + b"}"), "header is larger")
    yield Case("header is no JSON", raw(b"{" + b"x" * 20), "header cannot be read")
    yield Case("header without an end", raw(b'{"a": '), "header cannot be read")
    yield Case("header in latin-1", raw('{"ä": 1}'.encode("latin-1")), "header cannot be read")
    yield Case("header nested", raw(b'{"a":' + b"[" * 100_000 + b"]" * 100_000 + b"}"), "header cannot be read")
    yield Case("header with a number of 5000 digits", raw(b'{"a": ' + b"9" * 5000 + b"}"), "header cannot be read")
    yield Case("cut off in the header", good[: length // 2], "does not begin")
    yield Case("cut off in the data", good[:-100], "cut off")
    yield Case("cut off behind the header", good[: 8 + length], "cut off")
    yield Case("something behind the end", packed(pair(), trailing=b"x" * 10), "behind its end")
    yield Case("zip behind the end", packed(pair(), trailing=zipped()), "behind its end")
    yield Case("git lfs", b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 170000000\n", "Git LFS")
    yield Case("web page", b"\n<!DOCTYPE html><html><script>alert(1)</script></html>", "web page")
    yield Case("web page without doctype", b"<html><body>log in</body></html>", "web page")
    yield Case("gguf", b"GGUF\x03\x00\x00\x00" + b"\0" * 40, "GGUF")
    yield Case("gzip", gzip.compress(good), "archive")
    yield Case("tar", b"a.safetensors".ljust(257, b"\0") + b"ustar" + b"\0" * 400, "archive")
    yield Case("zip", zipped(), "could run code")


def zipped() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as file:
        file.writestr("archive/data.pkl", b"\x80\x02}q\x00.")
    return buffer.getvalue()


def pickles(marker: Path) -> Iterator[Case]:
    """Pickles that make the file `marker` when they are opened."""
    for protocol in (2, 3, 4, 5):
        yield Case(f"pickle {protocol}", pickle.dumps(Marker(str(marker)), protocol=protocol), "could run code")
    yield Case("pickle 0", pickle.dumps(Marker(str(marker)), protocol=0), "does not begin")


def headers() -> Iterator[Case]:
    """Headers that lie."""
    once, twice = json.dumps(described("U8", [4], 0, 4)), json.dumps(described("U8", [4], 4, 8))
    yield Case("name twice", raw(f'{{"a": {once}, "a": {twice}}}'.encode(), b"\0" * 8), "twice")
    yield Case("metadata key twice", raw(b'{"__metadata__": {"a": "1", "a": "2"}}'), "twice")
    yield Case("metadata twice", raw(b'{"__metadata__": {}, "__metadata__": {}}'), "twice")
    yield Case("metadata is a number", raw(b'{"__metadata__": 3}  '), "metadata is not text")
    yield Case("metadata holds a list", raw(b'{"__metadata__": {"a": []}}'), "metadata is not text")
    yield Case(
        "overlap",
        raw(json.dumps({"a": described("U8", [4], 0, 4), "b": described("U8", [4], 2, 6)}).encode(), b"\0" * 6),
        "overlap",
    )
    yield Case(
        "hole",
        raw(json.dumps({"a": described("U8", [4], 0, 4), "b": described("U8", [4], 8, 12)}).encode(), b"\0" * 12),
        "gaps",
    )
    yield Case(
        "same bytes twice",
        raw(json.dumps({"a": described("U8", [4], 0, 4), "b": described("U8", [4], 0, 4)}).encode(), b"\0" * 4),
        "overlap",
    )
    wrong = {
        "offsets reversed": described("U8", [4], 4, 0),
        "offsets negative": described("U8", [4], -4, 0),
        "offsets as fractions": described("U8", [4], 0.0, 4.0),
        "offsets as truths": described("U8", [1], False, True),
        "three offsets": described("U8", [4], 0, 4, 8),
        "shape negative": described("U8", [-4], 0, 4),
        "shape too large": described("U8", [2**40, 2**40], 0, 4),
        "shape as text": described("U8", "4", 0, 4),
        "shape that wraps": described("F32", [2**31, 2**31, 4], 0, 0),
        "many dimensions": described("U8", [1] * 100, 0, 1),
        "size and shape differ": described("F32", [4], 0, 4),
        "no offsets": {"dtype": "U8", "shape": [4]},
        "something more": described("U8", [4], 0, 4) | {"more": 1},
        "a list": {"a": []}["a"],
    }
    for name, entry in wrong.items():
        yield Case(name, raw(json.dumps({"a": entry}).encode(), b"\0" * 4), "describes a tensor wrongly")
    for dtype in ("C64", "F4", "", 3, None):
        data = raw(json.dumps({"a": described(dtype, [1], 0, 4)}).encode(), b"\0" * 4)
        yield Case(f"type {dtype}", data, "unknown type")


def numbers() -> Iterator[Case]:
    """Weights and alphas that are no numbers to compute with."""
    for value in (float("nan"), float("inf"), -float("inf")):
        for dtype in ("F32", "F16", "F64"):
            yield Case(
                f"{value} in {dtype}", packed(pair() | {UP: zeros(WIDTH, 4, dtype=dtype, value=value)}), "not numbers"
            )
    last = bytearray(zeros(WIDTH, 4)[2])
    last[-4:] = struct.pack("<f", float("nan"))
    yield Case("last value is NaN", packed(pair() | {UP: ("F32", (WIDTH, 4), bytes(last))}), "not numbers")
    yield Case("bf16 infinity", packed(pair() | {UP: ("BF16", (WIDTH, 4), b"\x80\x7f" * WIDTH * 4)}), "not numbers")
    yield Case("fp8 NaN", packed(pair() | {UP: ("F8_E4M3", (WIDTH, 4), b"\xff" * WIDTH * 4)}), "not numbers")
    yield Case("fp8 infinity", packed(pair() | {UP: ("F8_E5M2", (WIDTH, 4), b"\x7c" * WIDTH * 4)}), "not numbers")
    for value in (-4.0, 0.0, -0.0, float("nan"), float("inf"), 1e30):
        yield Case(f"alpha {value}", packed(pair() | {f"{Q}.alpha": zeros(value=value)}), "alpha")
    yield Case("alpha as a vector", packed(pair() | {f"{Q}.alpha": zeros(2, value=4.0)}), "one number was expected")
    yield Case("alpha as a truth", packed(pair() | {f"{Q}.alpha": ("BOOL", (), b"\x01")}), "alpha")
    yield Case(
        "weights as whole numbers", packed(pair() | {UP: ("I8", (WIDTH, 4), bytes(WIDTH * 4))}), "a matrix of numbers"
    )


def modules() -> Iterator[Case]:
    """Names and shapes that this model has not."""
    yield Case("no tensors", raw(b"{}"), "holds no weights")
    yield Case("metadata only", raw(b'{"__metadata__": {"ss_network_dim": "32"}}'), "holds no weights")
    yield Case("no up", packed({DOWN: zeros(4, WIDTH)}), "incomplete")
    yield Case("no down", packed({UP: zeros(WIDTH, 4)}), "incomplete")
    yield Case("alpha alone", packed({f"{Q}.alpha": zeros(value=1.0)}), "incomplete")
    yield Case("no rank", packed(pair(rank=0)), "a matrix of numbers")
    yield Case("ranks differ", packed(pair() | {UP: zeros(WIDTH, 5)}), "does not fit this model")
    yield Case("up too short", packed(pair(out=WIDTH - 1)), "255 x 256, and 256 x 256 was expected")
    yield Case("convolution", packed({DOWN: zeros(4, WIDTH, 1, 1), UP: zeros(WIDTH, 4, 1, 1)}), "a matrix of numbers")
    yield Case("vector", packed(pair() | {UP: zeros(WIDTH)}), "a matrix of numbers")
    yield Case("no such block", packed(pair("transformer.layers.99.attention.to_q")), "layers.99")
    yield Case("no such module", packed(pair() | pair("transformer.layers.0.attention.to_x")), "to_x")
    yield Case("a norm", packed(pair() | pair("transformer.layers.0.attention_norm1")), "attention_norm1")
    yield Case("a base weight", packed(pair() | {f"{Q}.weight": zeros(WIDTH, WIDTH)}), "to_q.weight")
    yield Case("a stray tensor", packed(pair() | {"step": zeros(value=100.0)}), '"step"')
    yield Case("module twice", packed(pair() | pair("diffusion_model.layers.0.attention.to_q")), "twice")
    yield Case("module twice by other names", packed(pair() | pair("lora_unet_layers_0_attention_to_q")), "twice")
    yield Case(
        "fused and split", packed(pair() | pair("diffusion_model.layers.0.attention.qkv", out=3 * WIDTH)), "twice"
    )
    two = pair() | {f"{Q}.lora_A.second.weight": zeros(4, WIDTH)}
    yield Case("two adapters", packed(two), "twice")
    yield Case("two kinds", packed(pair() | {f"{Q}.lokr_w1": zeros(4, 4), f"{Q}.lokr_w2": zeros(64, 64)}), "twice")
    for name in ("<script>alert(1)</script>", "a\nb", "../../etc/passwd", "a\0b", "\u202egpj.a", "x" * 300, "\ud800"):
        yield Case(f"tensor named {name[:12]!a}", packed(pair() | {name: zeros(1)}), "does not fit")


def kinds() -> Iterator[Case]:
    """What cannot be applied exactly."""
    for part, kind in {
        "dora_scale": "DoRA",
        "lora_magnitude_vector": "DoRA",
        "lora_magnitude_vector.weight": "DoRA",
        "lora_mid.weight": "Tucker",
        "hada_t1": "Tucker",
        "oft_blocks": "OFT",
        "a1.weight": "GLoRA",
        "on_input": "IA3",
        "diff": "full fine-tune",
        "diff_b": "full fine-tune",
        "lora_B.bias": "biases",
    }.items():
        yield Case(part, packed(pair() | {f"{Q}.{part}": zeros(WIDTH)}), kind)
    yield Case("textual inversion", packed({"emb_params": zeros(8, 768)}), "textual inversion")
    for key in ("lora_te_text_model_encoder_layers_0_mlp_fc1", "text_encoder.model.layers.0.mlp.up_proj", "lora_te1_x"):
        yield Case(f"text encoder {key[:8]}", packed(pair() | pair(key)), "text encoder")


def models() -> Iterator[Case]:
    """Styles of other models."""
    unet = "lora_unet_down_blocks_1_attentions_0_transformer_blocks_0_attn2_to_k"
    yield Case("sd15", kohya(unet, "lora_te_text_model_encoder_layers_0_mlp_fc1", into=768), "Stable Diffusion 1.5")
    yield Case("sdxl", kohya(unet, "lora_te2_text_model_encoder_layers_0_mlp_fc1", into=2048), "Stable Diffusion XL")
    yield Case("flux kohya", kohya("lora_unet_double_blocks_0_img_attn_proj", into=3072), "FLUX.1")
    yield Case("flux", packed(pair("transformer.single_transformer_blocks.0.attn.to_q", into=3072)), "FLUX.1")
    yield Case("wan", packed(pair("diffusion_model.blocks.0.self_attn.q", into=5120)), "Wan")
    yield Case("qwen", packed(pair("transformer.transformer_blocks.0.attn.add_q_proj", into=3072)), "Qwen-Image")
    yield Case("sd3", packed(pair("diffusion_model.joint_blocks.0.x_block.attn.qkv", into=1536)), "Stable Diffusion 3")
    yield Case("real size", packed(pair(into=3840, out=3840)), "Z-Image")
    yield Case("lumina", packed(pair("diffusion_model.layers.0.attention.qkv", into=2304, out=6912)), "Lumina")
    yield Case("another size", packed(pair(into=512, out=512)), "Z-Image (512)")


def settings() -> Iterator[Case]:
    """Metadata that would scale the style, or change the model, behind one's back."""
    for key, value in {
        "lora_alpha": -16,
        "lora_alpha ": 16,
        "r": 8,
        "use_dora": True,
        "use_rslora": "yes",
        "bias": "all",
        "modules_to_save": ["cap_embedder"],
        "layer_replication": [[0, 4]],
        "init_lora_weights": "pissa",
        "alora_invocation_tokens": [1],
        "trainable_token_indices": [1],
        "peft_type": "PROMPT_TUNING",
        "rank_pattern": {"(a+)+$": 4},
        "alpha_pattern": {"to_q": float("nan")},
        "alpha_pattern ": {"x": 1},
        "target_parameters": ["experts"],
    }.items():
        yield Case(f"metadata {key}", adapter(**{"r": 4, "lora_alpha": 4} | {key: value}), key.strip())
    for alpha in (0, float("inf"), float("nan"), 1e9, True, "4", None):
        yield Case(f"metadata alpha {alpha}", adapter(r=4, lora_alpha=alpha), "lora_alpha")
    yield Case("metadata is no JSON", packed(pair(), {"lora_adapter_metadata": "{"}), "metadata cannot be read")
    yield Case("metadata nested", packed(pair(), {"lora_adapter_metadata": "[" * 200_000}), "metadata cannot be read")
    both = {"lora_adapter_metadata": json.dumps({"transformer.r": 4, "transformer.lora_alpha": 8})}
    yield Case("alpha in two places", packed(pair() | {f"{Q}.alpha": zeros(value=4.0)}, both), "lora_adapter_metadata")


GROUPS: tuple[Callable[[], Iterator[Case]], ...] = (containers, headers, numbers, modules, kinds, models, settings)


def cases(marker: Path) -> list[Case]:
    """All of them; the pickles among them would make the file `marker`."""
    return [case for group in GROUPS for case in group()] + list(pickles(marker))


def good() -> bytes:
    """A small file with nothing wrong, to break byte by byte."""
    tensors = pair() | {f"{Q}.alpha": zeros(value=2.0)} | pair("transformer.layers.1.feed_forward.w1", 2, out=682)
    return packed(tensors, {"format": "pt"})


if __name__ == "__main__":
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    for k, case in enumerate(cases(folder / "was run")):
        (folder / f"{k:03} {case.name}.safetensors").write_bytes(case.data)

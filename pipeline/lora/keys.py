"""What a style's tensors are called, and what each of them changes in this model. Needs no torch.

Every trainer has its own names for the same modules. They all end here in one canonical plan, module by module, in
which every tensor of the file has its place; a tensor that has none is an error that names it.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from core.errors import N_, UserError
from pipeline.lora.container import Container, Entry, shown
from pipeline.lora.modules import Target

Kind: TypeAlias = Literal["LoRA", "LoKr", "LoHa"]

WEIGHT_TYPES = ("F64", "F32", "F16", "BF16", "F8_E4M3", "F8_E5M2")
_PREFIXES = {
    "transformer.": "diffusers",
    "diffusion_model.": "ComfyUI",
    "model.diffusion_model.": "ComfyUI",
    "base_model.model.": "PEFT",
    "base_model.model.transformer.": "PEFT",
    "lora_unet_": "kohya",
    "lora_transformer_": "OneTrainer",
    "lycoris_": "LyCORIS",
    "": "PEFT",
}
_ADAPTER = r"(?:\.(?!weight$|bias$)[\w-]{1,64})?"  # PEFT writes its adapter's name into the key
_PARTS: tuple[tuple[re.Pattern[str], Kind | None], ...] = (
    (re.compile(rf"\.lora[_.](?P<part>A|B|down|up){_ADAPTER}\.weight$"), "LoRA"),
    (re.compile(r"\.lokr_(?P<part>w[12](?:_[ab])?)$"), "LoKr"),
    (re.compile(r"\.hada_(?P<part>w[12]_[ab])$"), "LoHa"),
    (re.compile(r"\.(?P<part>alpha)$"), None),
)
_SAME_PART = {"A": "down", "B": "up"}
# What would change the picture and cannot be applied exactly, by what its tensors are called.
_UNSUPPORTED = (
    (re.compile(r"\.(dora_scale|lora_magnitude_vector)"), "DoRA"),
    (re.compile(r"\.(hada_t[12]|lokr_t[12]|lora_mid)"), "Tucker LyCORIS"),
    (re.compile(r"\.(oft_|boft_|oft_diag)"), "OFT"),
    (re.compile(r"\.(a1|a2|b1|b2)\.weight$"), "GLoRA"),
    (re.compile(r"\.(on_input|ia3_)"), "IA3"),
    (re.compile(r"\.(diff|diff_b|set_weight|reshape_weight|w_norm|b_norm)$"), "full fine-tune"),
    (re.compile(r"\.lora_[AB].*\.bias$|\.lora_bias"), "LoRA with biases"),
    (re.compile(r"^(emb_params|string_to_param|clip_[lg]|bundle_emb)|\.bundle_emb"), "textual inversion"),
)
_TEXT_ENCODER = re.compile(r"^(lora_te\d?_|lora_qwen|text_encoders?[._0-9]|te\d?[._]|(cond_stage_model|conditioner)\.)")


@dataclass(frozen=True, slots=True)
class Change:
    """What the file does to one module of the model. `tensors` maps a part to the name of its tensor in the file.

    `rank` is 0 for a Kronecker product of whole matrices. `third` is the part of a fused tensor's rows that is meant,
    None for all of them. `alpha` is its own tensor's name, or "".
    """

    module: str
    kind: Kind
    tensors: Mapping[str, str]
    rank: int
    third: int | None = None
    alpha: str = ""


@dataclass(slots=True)
class Survey:
    """The names of a file, sorted into what this model knows and what it does not. Nothing is judged yet."""

    layout: str = ""
    kind: Kind | None = None
    groups: dict[str, dict[str, Entry]] = field(default_factory=dict)  # by the name for a module, then by part
    targets: dict[str, tuple[Target, ...]] = field(default_factory=dict)
    kinds: dict[str, Kind] = field(default_factory=dict)
    strays: list[str] = field(default_factory=list)  # tensors that are no part of anything
    repeated: str = ""

    @property
    def unknown(self) -> list[str]:
        """Names for modules that this model has not."""
        return [path for path, targets in self.targets.items() if not targets]

    @property
    def applied(self) -> int:
        return sum(len(targets) for targets in self.targets.values())

    @property
    def modules(self) -> int:
        return self.applied + len(self.unknown)


def survey(container: Container, known: Mapping[str, tuple[Target, ...]]) -> Survey:
    """Sort the tensors by what they are called. `known` is `modules.names` of this model. Never raises."""
    found = Survey()
    for entry in container.entries.values():
        for pattern, kind in _PARTS:
            match = pattern.search(entry.name)
            if match is not None:
                _sort_in(found, entry, match, kind, known)
                break
        else:
            found.strays.append(entry.name)
    return found


def _sort_in(
    found: Survey, entry: Entry, match: re.Match[str], kind: Kind | None, known: Mapping[str, tuple[Target, ...]]
) -> None:
    layout, path, targets = _resolve(entry.name[: match.start()], known)
    part = _SAME_PART.get(match["part"], match["part"])
    found.layout = found.layout or layout
    found.targets[path] = targets
    if found.groups.setdefault(path, {}).setdefault(part, entry) is not entry:
        found.repeated = found.repeated or entry.name
    if kind is not None:
        found.kind = found.kind or kind
        if found.kinds.setdefault(path, kind) != kind:
            found.repeated = found.repeated or entry.name


def _resolve(path: str, known: Mapping[str, tuple[Target, ...]]) -> tuple[str, str, tuple[Target, ...]]:
    """The layout, the name without its prefix, and what it means; nothing when this model has no such module."""
    for prefix, layout in _PREFIXES.items():
        bare = path.removeprefix(prefix)
        if path.startswith(prefix) and bare in known:
            return layout, bare, known[bare]
    layout = next(layout for prefix, layout in _PREFIXES.items() if path.startswith(prefix))
    return layout, path, ()


def plan(found: Survey, shapes: Mapping[str, tuple[int, int]], name: str, made_for: str) -> dict[str, Change]:
    """What to do to each module, every tensor of the file used. `made_for` is the model that the names point to.

    Raises UserError, naming the first thing that has no place or a wrong shape.
    """
    if not found.groups and not found.strays:
        raise UserError(N_('The style "{name}" holds no weights.'), name=name)
    _refuse_strays(found, name, made_for)
    if found.repeated:
        raise _twice(name, found.repeated)
    changes: dict[str, Change] = {}
    for path, parts in found.groups.items():
        for change in _changes(path, parts, found, shapes, name, made_for):
            if change.module in changes:
                raise _twice(name, change.module)
            changes[change.module] = change
    return changes


def _refuse_strays(found: Survey, name: str, made_for: str) -> None:
    odd = found.strays + found.unknown
    if made_for and found.unknown:
        raise other_model(name, made_for)
    for key in odd:
        for pattern, what in _UNSUPPORTED:
            if pattern.search(key):
                raise UserError(
                    N_('The style "{name}" is of the kind {kind} ("{found}"), which cannot be applied exactly.'),
                    name=name, kind=what, found=shown(key),
                )  # fmt: skip
        if _TEXT_ENCODER.match(key):
            raise UserError(
                N_('The style "{name}" also changes the text encoder ("{found}"), which this studio leaves as it is.'),
                name=name, found=shown(key),
            )  # fmt: skip
    if odd and made_for:
        raise other_model(name, made_for)
    if odd:
        raise UserError(
            N_('The style "{name}" does not fit this model: it holds "{found}". Use a style trained for this model.'),
            name=name, found=shown(odd[0]),
        )  # fmt: skip


def other_model(name: str, made_for: str) -> UserError:
    """The error for a style of another model."""
    return UserError(
        N_('The style "{name}" was made for {model}, not for this model. Use a style trained for this model.'),
        name=name, model=made_for,
    )  # fmt: skip


def _changes(
    path: str,
    parts: Mapping[str, Entry],
    found: Survey,
    shapes: Mapping[str, tuple[int, int]],
    name: str,
    made_for: str,
) -> list[Change]:
    targets, kind = found.targets[path], found.kinds.get(path)
    rows, columns = shapes[targets[0].module]
    tensors = {part: entry for part, entry in parts.items() if part != "alpha"}
    if kind is None:
        raise _incomplete(name, path)
    for entry in tensors.values():
        if entry.dtype not in WEIGHT_TYPES or len(entry.shape) != 2 or not all(entry.shape):
            raise _misshapen(name, entry.name, _size(entry), N_("a matrix of numbers"), made_for)
    alpha = parts.get("alpha")
    if alpha is not None and (alpha.end - alpha.start > 8 or max(alpha.shape, default=1) != 1):
        raise _misshapen(name, alpha.name, _size(alpha), N_("one number"))
    rank = _check_shapes(kind, tensors, rows * len(targets), columns, path, name, made_for)
    if len(targets) > 1 and kind == "LoKr" and next(iter(_factor(tensors, "w1", name, path))).shape[0] % len(targets):
        raise UserError(
            N_('The style "{name}" is of the kind {kind} ("{found}"), which cannot be applied exactly.'),
            name=name, kind="LoKr", found=shown(path),
        )  # fmt: skip
    return [
        Change(
            module=target.module,
            kind=kind,
            tensors={part: entry.name for part, entry in tensors.items()},
            rank=rank,
            third=target.third,
            alpha=alpha.name if alpha and rank else "",  # LyCORIS gives whole factors an alpha without a meaning
        )
        for target in targets
    ]


def _check_shapes(
    kind: Kind, parts: Mapping[str, Entry], rows: int, columns: int, path: str, name: str, made_for: str
) -> int:
    """The rank; raises UserError when the parts do not multiply to (rows, columns)."""
    if kind == "LoKr":
        first, second = _factor(parts, "w1", name, path), _factor(parts, "w2", name, path)
        made = (first[0].shape[0] * second[0].shape[0], first[-1].shape[1] * second[-1].shape[1])
        pairs, decomposed = [first, second], [f for f in (second, first) if len(f) == 2]
        rank = decomposed[0][1].shape[0] if decomposed else 0
    else:
        wanted = (("up", "down"),) if kind == "LoRA" else (("w1_a", "w1_b"), ("w2_a", "w2_b"))
        if set(parts) != {part for pair in wanted for part in pair}:
            raise _incomplete(name, path)
        pairs = [[parts[a], parts[b]] for a, b in wanted]
        made = (pairs[0][0].shape[0], pairs[0][1].shape[1])
        rank = pairs[0][1].shape[0]
        if kind == "LoHa" and (pairs[1][0].shape[0], pairs[1][1].shape[1]) != made:
            raise _misshapen(name, path, _size(pairs[1][0]), _product(made), made_for)
    for pair in pairs:
        if len(pair) == 2 and pair[0].shape[1] != pair[1].shape[0]:
            raise _misshapen(name, pair[0].name, _size(pair[0]), f"… x {pair[1].shape[0]}")
    if made != (rows, columns):
        raise _misshapen(name, path, _product(made), _product((rows, columns)), made_for)
    return rank


def _factor(parts: Mapping[str, Entry], which: str, name: str, path: str) -> list[Entry]:
    """A Kronecker factor: the matrix itself, or the two whose product it is."""
    whole, a, b = (parts.get(which + end) for end in ("", "_a", "_b"))
    if whole is not None and a is None and b is None:
        return [whole]
    if whole is None and a is not None and b is not None:
        return [a, b]
    raise _incomplete(name, path)


def _misshapen(name: str, key: str, size: str, expected: str, made_for: str = "") -> UserError:
    if made_for:
        return other_model(name, made_for)
    return UserError(
        N_('The style "{name}" does not fit this model: "{found}" is {size}, and {expected} was expected.'),
        name=name, found=shown(key), size=size, expected=expected,
    )  # fmt: skip


def _incomplete(name: str, path: str) -> UserError:
    return UserError(
        N_('The style "{name}" is incomplete: parts of "{found}" are missing. Get it again.'),
        name=name, found=shown(path),
    )  # fmt: skip


def _twice(name: str, key: str) -> UserError:
    return UserError(N_('The style "{name}" changes "{found}" twice.'), name=name, found=shown(key))


def _size(entry: Entry) -> str:
    return f"{_product(entry.shape)} {entry.dtype}"


def _product(shape: tuple[int, ...]) -> str:
    return " x ".join(map(str, shape)) or "1"

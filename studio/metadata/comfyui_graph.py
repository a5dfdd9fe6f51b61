"""A ComfyUI graph as nodes and links, from either of the two forms that are saved. Loops and gaps in it do no harm."""

from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

MOST_NODES = 5_000
_MOST_HOPS = 30  # of nodes that only hand a value on
_NAMED = ("value", "text", "string", "prompt", "seed", "noise_seed", "int", "float", "number", "result")
_NO_TEXT = ("delimiter", "separator", "clean_whitespace", "linebreak_addition")  # of those that join texts
_JOINS = ("concat", "join", "combine")
# What stands where in the form that the editor saves, of the nodes that matter here; None is of no interest.
_WIDGETS: Mapping[str, tuple[str | None, ...]] = {
    "KSampler": ("seed", None, "steps", "cfg", "sampler_name", "scheduler", "denoise"),
    "KSamplerAdvanced": (None, "noise_seed", None, "steps", "cfg", "sampler_name", "scheduler"),
    "SamplerCustom": (None, "noise_seed", None, "cfg"),
    "KSamplerSelect": ("sampler_name",),
    "BasicScheduler": ("scheduler", "steps", "denoise"),
    "RandomNoise": ("noise_seed",),
    "CFGGuider": ("cfg",),
    "CLIPTextEncode": ("text",),
    "CLIPTextEncodeFlux": ("clip_l", "t5xxl"),
    "EmptyLatentImage": ("width", "height"),
    "EmptySD3LatentImage": ("width", "height"),
    "CheckpointLoaderSimple": ("ckpt_name",),
    "UNETLoader": ("unet_name",),
    "LoraLoader": ("lora_name", "strength_model", "strength_clip"),
    "LoraLoaderModelOnly": ("lora_name", "strength_model"),
    "ModelSamplingAuraFlow": ("shift",),
    "PrimitiveNode": ("value",),
    "LoadImage": ("image",),
}


@dataclass(frozen=True, slots=True, eq=False)
class Node:
    """`inputs` hold values, and links as [id of the node, which of its outputs]."""

    id: str
    kind: str
    inputs: Mapping[str, Any]

    def links(self) -> Iterator[str]:
        return (name for name, value in self.inputs.items() if _link(value) is not None)


@dataclass(frozen=True, slots=True)
class Graph:
    """All nodes by id."""

    nodes: Mapping[str, Node] = field(default_factory=dict)

    def linked(self, node: Node, name: str) -> Node | None:
        """The node that an input comes from."""
        link = _link(node.inputs.get(name))
        return self.nodes.get(link) if link is not None else None

    def before(self, *nodes: Node) -> Iterator[Node]:
        """Every node that these were made of, nearest first."""
        seen, waiting = {node.id for node in nodes}, deque(nodes)
        while waiting:
            current = waiting.popleft()
            for name in current.links():
                found = self.linked(current, name)
                if found is not None and found.id not in seen:
                    seen.add(found.id)
                    waiting.append(found)
                    yield found

    def ends(self) -> list[Node]:
        """What was saved or shown; saved ones first."""
        ends = [n for n in self.nodes.values() if any(word in n.kind.lower() for word in ("save", "preview"))]
        return sorted(ends, key=lambda n: "save" not in n.kind.lower())

    def value(self, node: Node, name: str) -> Any:
        """An input's value, also where it comes from nodes that only hand it on; None when it cannot be told."""
        found = node.inputs.get(name)
        if _link(found) is None:
            return found if isinstance(found, str | int | float) else None
        source = self.linked(node, name)
        for handed_on in (source, *self.before(source)) if source else ():
            for inner in (name, *_NAMED, *handed_on.inputs):
                value = handed_on.inputs.get(inner)
                if isinstance(value, str | int | float):
                    return value
        return None

    def text(self, node: Node, name: str, hops: int = 0) -> str:
        """An input's text; where nodes put several together, all of them in order."""
        source = self.linked(node, name)
        if source is None or hops > _MOST_HOPS:
            value = node.inputs.get(name)
            return value if isinstance(value, str) else ""
        if not any(word in source.kind.lower() for word in _JOINS):
            own = [n for n in (name, *_NAMED) if n in source.inputs]
            names = own[:1] or [n for n, v in source.inputs.items() if isinstance(v, str) or _link(v) is not None][:1]
            return self.text(source, names[0], hops + 1) if names else ""
        parts = [n for n in source.inputs if n not in _NO_TEXT]
        glue = source.inputs.get("delimiter", source.inputs.get("separator"))
        texts = (self.text(source, n, hops + 10) for n in parts[:12])
        return (glue if isinstance(glue, str) else " ").join(t for t in texts if t)


def from_prompt(data: object) -> Graph | None:
    """The form that was run: {"3": {"class_type": "KSampler", "inputs": {...}}}."""
    if not isinstance(data, dict) or len(data) > MOST_NODES:
        return None
    nodes = {}
    for name, node in data.items():
        if isinstance(node, dict) and isinstance(node.get("class_type"), str) and isinstance(node.get("inputs"), dict):
            nodes[name] = Node(name, node["class_type"], node["inputs"])
    return Graph(nodes) if nodes else None


def from_workflow(data: object) -> Graph | None:
    """The form that the editor keeps: {"nodes": [...], "links": [[link, node, output, node, input, type], ...]}."""
    if not isinstance(data, dict) or not isinstance(data.get("nodes"), list) or len(data["nodes"]) > MOST_NODES:
        return None
    links = {}
    for link in data["links"] if isinstance(data.get("links"), list) else ():
        if isinstance(link, list) and len(link) >= 3 and isinstance(link[0], int):
            links[link[0]] = [str(link[1]), link[2]]
    nodes = {}
    for node in data["nodes"]:
        if isinstance(node, dict) and isinstance(node.get("type"), str) and "id" in node:
            nodes[str(node["id"])] = Node(str(node["id"]), node["type"], _inputs(node, links))
    return Graph(nodes) if nodes else None


def _inputs(node: Mapping[str, Any], links: Mapping[int, list[Any]]) -> dict[str, Any]:
    values = node.get("widgets_values")
    inputs: dict[str, Any] = {}
    if isinstance(values, dict):
        inputs |= values
    elif isinstance(values, list):
        names = _WIDGETS.get(node["type"], ())
        inputs |= {name: value for name, value in zip(names, values, strict=False) if name}
        if not names and values and isinstance(values[0], str | int | float):
            inputs["value"] = values[0]
    for one in node["inputs"] if isinstance(node.get("inputs"), list) else ():
        if isinstance(one, dict) and isinstance(one.get("name"), str) and isinstance(one.get("link"), int):
            inputs[one["name"]] = links.get(one["link"])
    return inputs


def _link(value: object) -> str | None:
    if isinstance(value, list) and len(value) == 2 and isinstance(value[0], str | int) and isinstance(value[1], int):
        return str(value[0])
    return None

"""ComfyUI saves the graph that made the picture. The settings are found by walking it from its end to its sampler.

Nodes that nobody knows are passed through by the names of their inputs, which most authors choose alike.
"""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from studio.metadata.comfyui_graph import Graph, Node, from_prompt, from_workflow
from studio.metadata.found import Collector, Found

ORIGIN = "ComfyUI"
_CONDITIONINGS = ("conditioning", "conditioning_1", "conditioning_2", "conditioning_to", "conditioning_from")
_LATENTS = ("latent_image", "latent", "samples", "optional_latent", "pixels", "image")
_MOST_SAMPLERS, _MOST_HOPS = 50, 200
_LEFT = {"sampler_name": "euler", "scheduler": "simple", "denoise": 1}  # named when they are not what is done here


def read(texts: Mapping[str, str]) -> Found | None:
    """None when there is no graph, or no sampler in it."""
    for text, make in ((texts.get("prompt", ""), from_prompt), (texts.get("workflow", ""), from_workflow)):
        try:
            graph = make(json.loads(text))
        except (ValueError, RecursionError):
            continue
        sampler = _sampler(graph) if graph else None
        if graph and sampler:
            return _read(graph, sampler)
    return None


def _read(graph: Graph, sampler: Node) -> Found:
    collector = Collector()
    guider = graph.linked(sampler, "guider")
    noise, sigmas = graph.linked(sampler, "noise"), graph.linked(sampler, "sigmas")
    choice = graph.linked(sampler, "sampler")
    nodes = [node for node in (sampler, noise, sigmas, guider, choice) if node]
    for name, take in (("seed", collector.seed), ("steps", collector.steps), ("cfg", collector.cfg)):
        value = _first(graph, nodes, (name, "noise_seed") if name == "seed" else (name,))
        if value is not None:
            take(name, value)
    for name, usual in _LEFT.items():
        value = _first(graph, nodes, (name,))
        if value not in (None, usual):
            collector.leave(name, value)
    source = guider or sampler
    _prompts(graph, source, collector)
    _models(graph, source, collector)
    _size(graph, sampler, collector)
    return collector.found(ORIGIN)


def _sampler(graph: Graph) -> Node | None:
    """The one that began the picture: of those that lead to what was saved, one with no other before it."""
    reached = [n for n in graph.before(*graph.ends()) if _is_sampler(n)]
    reached = reached or [n for n in graph.nodes.values() if _is_sampler(n)]
    for sampler in reached[:_MOST_SAMPLERS]:
        latents = [node for name in _LATENTS if (node := graph.linked(sampler, name))]
        if not any(_is_sampler(n) for n in (*latents, *graph.before(*latents))):
            return sampler
    return reached[0] if reached else None


def _is_sampler(node: Node) -> bool:
    return "sampl" in node.kind.lower() and ("positive" in node.inputs or "guider" in node.inputs)


def _prompts(graph: Graph, source: Node, collector: Collector) -> None:
    found = {}
    for name in ("positive", "negative"):
        inputs = (name, "conditioning") if name == "positive" else (name,)
        found[name] = "\n".join(dict.fromkeys(t for i in inputs for t in _conditioning(graph, source, i, name, set())))
    if found["positive"]:
        collector.text("prompt", "positive", found["positive"])
    if found["negative"]:
        collector.text("negative_prompt", "negative", found["negative"])


def _conditioning(graph: Graph, node: Node, name: str, side: str, seen: set[str]) -> Iterator[str]:
    """The texts that an input's conditioning was made of."""
    before = graph.linked(node, name)
    if before is None or before.id in seen or len(seen) > _MOST_HOPS or "zeroout" in before.kind.lower():
        return
    seen.add(before.id)
    texts = [n for n in before.inputs if n.startswith(("text", "prompt", "clip_l", "t5xxl")) and "neg" not in n]
    if "encode" in before.kind.lower() and texts:
        yield from dict.fromkeys(t for n in texts if (t := graph.text(before, n)))
        return
    for following in (*_CONDITIONINGS, side):
        yield from _conditioning(graph, before, following, side, seen)
    if not any(graph.linked(before, n) for n in (*_CONDITIONINGS, side)):
        for following in before.links():  # a reroute, or a node of a kind that nobody has told us of
            yield from _conditioning(graph, before, following, side, seen)


def _models(graph: Graph, source: Node, collector: Collector) -> None:
    """From the sampler back to what was loaded: the LoRAs on the way, nearest last as they were applied."""
    chain = []
    node = graph.linked(source, "model")
    while node is not None and node not in chain:
        chain.append(node)
        node = graph.linked(node, "model")
    for node in reversed(chain):
        for name, strength in _loras(graph, node):
            collector.style(name, strength)
        for name in ("ckpt_name", "unet_name", "model_name"):
            collector.leave(name, graph.value(node, name))
        if "sampling" in node.kind.lower():
            collector.leave(node.kind, graph.value(node, "shift"))


def _loras(graph: Graph, node: Node) -> Iterator[tuple[object, object]]:
    if "lora" not in node.kind.lower():
        return
    if "lora_name" in node.inputs:
        strength = graph.value(node, "strength_model")
        yield graph.value(node, "lora_name"), graph.value(node, "strength") if strength is None else strength
    for name, value in node.inputs.items():
        if isinstance(value, dict) and isinstance(value.get("lora"), str) and value.get("on", True):
            yield value["lora"], value.get("strength")
        elif name.startswith("lora_") and name[5:].isdecimal() and isinstance(value, str) and value != "None":
            yield value, graph.value(node, f"strength_{name[5:]}")


def _size(graph: Graph, sampler: Node, collector: Collector) -> None:
    for name in _LATENTS:
        latent = graph.linked(sampler, name)
        for node in (latent, *graph.before(latent)) if latent else ():  # nearest first
            width, height = graph.value(node, "width"), graph.value(node, "height")
            if width is not None and height is not None and not collector.has("width"):
                collector.size("size", width, height)
            if "loadimage" in node.kind.lower():
                collector.leave("image", graph.value(node, "image"))


def _first(graph: Graph, nodes: list[Node], names: tuple[str, ...]) -> Any:
    values = (graph.value(node, name) for node in nodes for name in names)
    return next((value for value in values if value is not None), None)

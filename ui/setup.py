"""Settings that come from elsewhere into the Studio: from a picture of the history, from a preset, from a file.

What cannot be taken as it is, is said on the Studio page: a style that is not here, a size that cannot be drawn.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields, replace
from math import log
from typing import Any

from core.engine import ModelInfo
from core.errors import N_, UserError
from core.request import MAX_SIDE, GenerationRequest, StyleUse
from studio.history import Entry
from studio.metadata import Settings
from studio.styles import Style
from ui import actions, state, style_picker
from ui.wording import aspect_name, size_name

MOST_NAMED = 8
MOST_UPSCALES = 10  # one after the other: sooner or later there is no larger size


def reuse(picture_id: str, what: str) -> str:
    """The settings of one of the owner's pictures: "all" of them, all with an "other seed", or the "style" alone.

    Returns the page that they are on: one that was drawn from a photo leads to "photos", with that photo, others to the
    "studio". Raises UserError when there is no such picture, or its photo cannot be had.
    """
    entry = _unlarged(picture_id)
    if entry.request.source is not None and entry.request.upscale == 1 and what != "style":
        _redraw(entry, what)
        return "photos"
    settings = of_request(entry.request)
    if what == "style":
        settings = Settings(styles=settings.styles)
    elif what != "all":
        settings = replace(settings, seed=None)
        state.configure(keep_seed=False)
    tell(take(settings))
    return "studio"


def _unlarged(picture_id: str) -> Entry:
    """The record; of a picture that another was made larger to, the record of that one, if it is there."""
    history, owner = state.base().studio.history, state.owner()
    entry = history.entry(owner, picture_id)
    if entry is None:
        raise UserError(N_("There is no such picture any more."))
    for _ in range(MOST_UPSCALES):
        before = history.entry(owner, entry.parent)
        if entry.request.source is None or entry.request.upscale == 1 or before is None:
            break
        entry = before
    return entry


def _redraw(entry: Entry, what: str) -> None:
    studio, made = state.base().studio, entry.request
    found = [(use, _find(use, style_picker.offered(studio.styles.list()))) for use in made.styles]
    made = replace(made, styles=tuple(replace(use, name=style.name) if style else use for use, style in found))
    if what != "all":
        made = replace(made, seed=actions.new_seed())
    studio.photos.take_again(state.owner(), made, entry.input_name, entry.parent)


def take(settings: Settings) -> list[UserError]:
    """Put into the Studio what is known; what is None stays there as it is. Returns what could not be taken."""
    info, told = state.base().studio.info, []
    plain = {name: getattr(settings, name) for name in ("prompt", "negative_prompt", "num_inference_steps")}
    state.configure(**{name: value for name, value in plain.items() if value is not None}, count=1)
    if settings.guidance_scale is not None:
        state.configure(guidance_scale=min(settings.guidance_scale, state.MOST_GUIDANCE))
    if settings.seed is not None:
        state.configure(seed=settings.seed, keep_seed=True)
    if settings.width is not None and settings.height is not None and info is not None:
        told += _take_size(info, (settings.width, settings.height))
    if settings.styles is not None:
        told += _take_styles(settings.styles)
    return told


def tell(what: Sequence[UserError]) -> None:
    """Say it on the Studio page, until something else is done there."""
    state.result().problem, state.result().notice = None, list(what)


def as_request(prompt: str) -> GenerationRequest:
    """What is set in the Studio, with these words. Raises UserError when it is no request."""
    config = state.config()
    return GenerationRequest(
        prompt, *config.size, config.seed, config.num_inference_steps, config.guidance_scale,
        config.negative_prompt if config.guidance_scale > 0 else "", config.styles,
    )  # fmt: skip


def of_request(request: GenerationRequest) -> Settings:
    """As the Studio sets them: a picture that was enlarged by the size before that."""
    return Settings(**{f.name: getattr(request.base, f.name) for f in fields(Settings)})


def of_json(data: object) -> Settings:
    """Settings that a browser has; what is not one of them, or out of bounds, is left out."""
    given = data if isinstance(data, Mapping) else {}
    request = GenerationRequest("-", 16, 16, 0)
    found: dict[str, Any] = {}
    for name in ("prompt", "negative_prompt", "seed", "num_inference_steps", "guidance_scale"):
        if given.get(name) is not None:
            try:
                found[name] = getattr(replace(request, **{name: given[name]}), name)
            except UserError:
                continue
    sides = [given.get("width"), given.get("height")]
    if all(isinstance(side, int) and 1 <= side <= MAX_SIDE for side in sides):
        found["width"], found["height"] = sides
    if isinstance(given.get("styles"), list):
        found["styles"] = tuple(_uses(given["styles"]))
    return Settings(**found)


def _uses(entries: list[Any]) -> Iterator[StyleUse]:
    for entry in entries:
        try:
            yield StyleUse(entry["name"], entry["strength"], entry.get("sha256", ""))
        except (UserError, KeyError, TypeError, AttributeError):
            continue


def _take_size(info: ModelInfo, size: tuple[int, int]) -> Iterator[UserError]:
    if size in info.sizes or is_drawable(info, size):
        state.configure(size=size, aspect=aspect_name(size))
        return
    shape = log(size[0] / size[1])
    nearest = min(info.sizes, key=lambda known: abs(log(known[0] / known[1]) - shape), default=None)
    if nearest is not None:
        state.configure(size=nearest, aspect=aspect_name(nearest))
        yield UserError(
            N_("This model does not draw {size}; {nearest} is the nearest."),
            size=size_name(size), nearest=size_name(nearest),
        )  # fmt: skip


def is_drawable(info: ModelInfo, size: tuple[int, int]) -> bool:
    """Whether the model draws this size, offered or not."""
    return all(0 < side <= info.max_side and side % info.size_multiple == 0 for side in size)


def _take_styles(uses: Sequence[StyleUse]) -> Iterator[UserError]:
    styles = style_picker.offered(state.base().studio.styles.list())
    found = [(use, _find(use, styles)) for use in uses]
    style_picker.choose([{"name": style.name, "strength": use.strength} for use, style in found if style is not None])
    missing = [use.name for use, style in found if style is None]
    if missing:
        yield UserError(N_("There is no style of this name here: {names}."), names=", ".join(missing[:MOST_NAMED]))


def _find(use: StyleUse, styles: Sequence[Style]) -> Style | None:
    """By its content, for it may have another name by now; then by name, with or without its folder."""
    same = (
        lambda style: bool(use.sha256) and style.sha256 == use.sha256,
        lambda style: style.name == use.name,
        lambda style: style.name.rpartition("/")[2].lower() == use.name.rpartition("/")[2].lower(),
    )
    return next((style for is_same in same for style in styles if is_same(style)), None)

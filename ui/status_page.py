"""The Status page: who waits, the model, the device and its memory, and what went wrong lately.

It refreshes by itself, in place. Of other people it shows that they wait, for how large a picture and how long; nothing
of what they asked for.
"""

from datetime import datetime
from functools import cache
from html import escape
from importlib.metadata import PackageNotFoundError, version
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import streamlit as st

from core import __version__
from core.engine import EngineFacts, EngineStatus
from core.errors import InternalError, StudioError
from studio.build import Studio
from studio.hooks import HookStatus
from studio.job import Mishap, Row
from ui import state
from ui.i18n import _, say
from ui.wording import duration, model_state, size_name

REFRESH_S = 2.0
PARTS = ("torch", "diffusers", "streamlit")  # whose versions matter when something is odd
_MB = 1 << 20


def show() -> None:
    with st.container(key="page"):  # a fragment must be alone in its container
        st.fragment(_status, run_every=REFRESH_S)()


def _status() -> None:
    st.html(html(state.base().studio, state.owner(), _time_zone()))


def html(studio: Studio, owner: str, zone: ZoneInfo | None) -> str:
    """The whole page. Everything that is not our own markup is escaped."""
    overview, model = studio.jobs.overview(owner), studio.worker.status
    parts = [f"<h2>{escape(_headline(overview.rows, model))}</h2>"]
    if overview.rows:
        parts.append(_queue(overview.rows))
    parts.append(_section(_("This studio"), _facts(studio, model)))
    if hooks := studio.hooks.status():
        parts.append(_section(_("Who is told of pictures"), _list({_hook_name(h): _hook(h, zone) for h in hooks})))
    parts += [
        _section(_("What went wrong lately"), _mishaps(overview.mishaps, zone)),
    ]
    return f'<div class="state">{"".join(parts)}</div>'


def _headline(rows: tuple[Row, ...], model: EngineStatus) -> str:
    if model.error is not None:
        return say(model.error)
    drawn = sum(row.state == "running" for row in rows)
    waiting = len(rows) - drawn
    if rows:
        parts = [_("Drawing {count}").format(count=drawn)] * bool(drawn)
        parts += [_("{count} waiting").format(count=waiting)] * bool(waiting)
        return " · ".join(parts)
    return _("Nobody is waiting. What you ask for is drawn at once.") if model.state == "ready" else model_state(model)


def _queue(rows: tuple[Row, ...]) -> str:
    heads = (_("Who"), _("Size"), _("Now"), _("Waited"))
    head = "".join(f'<th scope="col">{escape(name)}</th>' for name in heads)
    return f"<table><thead><tr>{head}</tr></thead><tbody>{''.join(map(_row, rows))}</tbody></table>"


def _row(row: Row) -> str:
    who = _("You") if row.mine else _("Person {number}").format(number=row.person)
    if row.kind == "batch":
        who = _("{who}, a batch").format(who=who)
    if row.state == "running":
        now = _("step {step} of {steps}").format(step=row.step, steps=row.steps)
    else:
        now = _("waiting, {steps} steps").format(steps=row.steps)
    cells = (who, size_name((row.width, row.height)), now, duration(row.waited_s))
    meter = f'<i style="--share:{row.step / row.steps:.3f}"></i>' if row.state == "running" else ""
    kind = ' class="mine"' if row.mine else ""
    first, second, third, last = map(escape, cells)
    return f"<tr{kind}><td>{first}</td><td>{second}</td><td>{third}{meter}</td><td>{last}</td></tr>"


def _facts(studio: Studio, model: EngineStatus) -> str:
    facts = studio.worker.facts
    rows = {_("Model"): f"{_model_name(studio)} · {model_state(model)}"}
    if facts is not None:
        rows |= _device(facts)
    rows[_("Versions")] = _versions()
    return _list(rows)


def _list(rows: dict[str, str]) -> str:
    return "<dl>" + "".join(f"<dt>{escape(k)}</dt><dd>{escape(v)}</dd>" for k, v in rows.items()) + "</dl>"


def _hook_name(hook: HookStatus) -> str:
    kinds = {"log": _("Day log"), "webhook": _("Webhook"), "archive": _("Archive")}
    return kinds[hook.kind] if hook.kind == "log" else f"{kinds[hook.kind]} {hook.name}"


def _hook(hook: HookStatus, zone: ZoneInfo | None) -> str:
    """How it stands: the trouble first, then what waits because of it."""
    parts = [_("It wants to hear nothing any more.")] * hook.closed
    if hook.since is not None and hook.why is not None:
        parts.append(_("Trouble since {time}: {why}").format(time=_moment(hook.since, zone), why=say(hook.why)))
    if hook.waiting and parts:
        parts.append(_("{count} waiting").format(count=hook.waiting))
    if hook.dropped:
        parts.append(_("{count} were too old to be sent").format(count=hook.dropped))
    return " · ".join(parts) or _("All is well")


def _device(facts: EngineFacts) -> dict[str, str]:
    rows = {_("Device"): f"{facts.device} · {facts.dtype}"}
    if facts.memory_total:
        used, total = facts.memory_used / _MB / 1024, facts.memory_total / _MB / 1024
        taken = _("{used} of {total} GB").format(used=f"{used:.1f}", total=f"{total:.1f}")
        most = _("at most {peak} GB").format(peak=f"{facts.memory_peak / _MB / 1024:.1f}") if facts.memory_peak else ""
        rows[_("Memory")] = " · ".join(filter(None, (taken, most)))
    rows[_("In memory")] = _placement(facts)
    if facts.styles:
        rows[_("Styles at hand")] = f"{len(facts.styles)} · {facts.styles_bytes / _MB:.0f} MB"
    return rows


def _placement(facts: EngineFacts) -> str:
    """How much of the model is on the device at a time."""
    tiers = {
        "resident": _("The whole model"),
        "staged": _("One part of the model after the other"),
        "8-bit": _("One part of the model after the other, the largest in 8 bits"),
        "streamed": _("A few layers of the model at a time"),
    }
    parts = [tiers[facts.tier]]
    if facts.lowered:
        parts.append(_("since memory ran out"))
    if facts.at_rest:
        parts.append(_("given back until somebody draws"))
    return " · ".join(parts)


def _mishaps(mishaps: tuple[Mishap, ...], zone: ZoneInfo | None) -> str:
    if not mishaps:
        nothing = _("Nothing.")
        return f"<p>{escape(nothing)}</p>"
    items = "".join(
        f"<li><time>{escape(_moment(mishap.at, zone))}</time><span>{escape(_told(mishap))}</span></li>"
        for mishap in mishaps
    )
    return f"<ul>{items}</ul>"


def _told(mishap: Mishap) -> str:
    """Another's error in full only where it cannot speak of what was asked for."""
    if mishap.mine:
        return _("Your picture: {why}").format(why=say(mishap.error))
    if _says_nothing_of_the_request(mishap.error):
        return _("Somebody's picture: {why}").format(why=say(mishap.error))
    return _("Somebody's picture could not be drawn with its settings.")


def _says_nothing_of_the_request(error: StudioError) -> bool:
    return isinstance(error, InternalError) or not error.values


def _section(title: str, content: str) -> str:
    return f"<h3>{escape(title)}</h3>{content}"


def _model_name(studio: Studio) -> str:
    return studio.info.name if studio.info else studio.config.model.path


@cache
def _versions() -> str:
    return " · ".join([f"Jimeng Studio {__version__}", *(f"{name} {_version(name)}" for name in PARTS)])


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "-"


def _moment(at: datetime, zone: ZoneInfo | None) -> str:
    """In the viewer's own time."""
    return f"{at.astimezone(zone):%Y-%m-%d %H:%M}"


def _time_zone() -> ZoneInfo | None:
    try:
        return ZoneInfo(st.context.timezone or "")
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return None

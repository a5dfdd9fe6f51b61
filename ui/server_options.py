"""The Streamlit sections of config.toml, checked against the options that this Streamlit has."""

import difflib
from collections.abc import Iterator, Mapping
from typing import Any

from streamlit import config as streamlit_config

from core.config import Config
from core.errors import N_, UserError

MOST_PORT = 65_535
FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'PingFang SC', 'Noto Sans SC', 'Microsoft YaHei', sans-serif"
DEFAULTS: Mapping[str, Any] = {
    "logger.hideWelcomeMessage": True,  # it asks a server elsewhere for this machine's public address
    "theme.font": FONT,
    "theme.baseRadius": "8px",
    "theme.showWidgetBorder": True,
    "theme.light.primaryColor": "#17181a",
    "theme.light.backgroundColor": "#ffffff",
    "theme.light.secondaryBackgroundColor": "#f5f5f4",
    "theme.light.textColor": "#17181a",
    "theme.light.borderColor": "#dcdcda",
    "theme.dark.primaryColor": "#f2f1ee",
    "theme.dark.backgroundColor": "#141517",
    "theme.dark.secondaryBackgroundColor": "#1e2023",
    "theme.dark.textColor": "#eceae6",
    "theme.dark.borderColor": "#3a3d42",
}


def checked(config: Config, address: str | None = None, port: int | None = None) -> dict[str, Any]:
    """Options by dotted name for `App.run`; address and port given here win.

    Raises UserError naming file and key for an option that Streamlit does not know, or of another type.
    """
    options = {**DEFAULTS, **dict(_flat(config.streamlit))}
    for name, value in options.items():
        _check(config, name, value)
    options.setdefault("server.address", "127.0.0.1")
    options.setdefault("server.port", 8501)
    if address is not None:
        options["server.address"] = address
    if port is not None:
        options["server.port"] = port
    if not 1 <= options["server.port"] <= MOST_PORT:
        raise UserError(
            N_("There is no port {port}. Choose one from 1 to {most}."), port=options["server.port"], most=MOST_PORT
        )
    return options


def _flat(sections: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in sections.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{prefix}{name}.")
        else:
            yield prefix + name, value


def _check(config: Config, name: str, value: object) -> None:
    known = streamlit_config._config_options_template  # reading the options would fix them before `run` does
    option = known.get(name)
    if option is None:
        near = difflib.get_close_matches(name, known, n=1)
        raise UserError(
            "{file}: Streamlit has no setting {key}. {hint}",
            file=str(config.source),
            key=name,
            hint=f"Did you mean {near[0]}?" if near else "",
        )
    if option.sensitive:
        raise UserError(
            "{file}: {key} is a secret. Set it in the environment as {variable} instead.",
            file=str(config.source),
            key=name,
            variable=option.env_var,
        )
    kind = option.type
    if kind in (bool, int) and (not isinstance(value, kind) or (kind is int and isinstance(value, bool))):
        raise UserError(
            "{file}: {key} has to be {accepted}; it is {value}.",
            file=str(config.source),
            key=name,
            accepted="true or false" if kind is bool else "a whole number",
            value=repr(value)[:80],
        )

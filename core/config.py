"""config.toml as one frozen tree. What is unknown or of the wrong type is an error that says what would be right.

Sections that belong to Streamlit are kept as they are, for the server to check and use; only where its own defaults
would be wrong for a studio (open to the whole network, telling a third party) ours stand in.
"""

import base64
import binascii
import difflib
import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any, get_args, get_origin
from urllib.parse import urlsplit

from core.errors import UserError

ROOT = Path(__file__).resolve().parent.parent  # the folder of app.py
STREAMLIT_SECTIONS = ("server", "browser", "client", "runner", "logger", "theme", "global", "ui", "magic", "secrets")
STREAMLIT_DEFAULTS: Mapping[str, Mapping[str, Any]] = {
    "server": {
        "port": 8501,
        "address": "127.0.0.1",
        "headless": True,
        "fileWatcherType": "none",
        "maxUploadSize": 200,
    },
    "browser": {"gatherUsageStats": False},
    "client": {"toolbarMode": "minimal", "showErrorDetails": "none"},
    "runner": {"postScriptGC": False},
    "logger": {"level": "warning"},
}
MOST_PORT = 65_535
DEVICES = ("auto", "cuda", "mps", "cpu")
TIERS = ("auto", "resident", "staged", "8-bit", "streamed")
COMPILING = ("auto", "on", "off")
EVENTS = ("accepted", "started", "finished", "failed", "cancelled")
SECRET_BYTES = range(24, 65)  # as Standard Webhooks has it
_FROM_ENVIRONMENT = "env:"


def _setting(default: Any, *accepted: Any, least: int | None = None, folder: bool = False) -> Any:
    return field(default=default, metadata={"accepted": accepted, "least": least, "folder": folder})


@dataclass(frozen=True, slots=True)
class ModelConfig:
    path: str = "demo/model"
    device: str = _setting("auto", *DEVICES)


@dataclass(frozen=True, slots=True)
class MemoryConfig:
    tier: str = _setting("auto", *TIERS)
    budget_gb: int = _setting(0, least=0)
    idle_release_s: int = _setting(30, least=0)


@dataclass(frozen=True, slots=True)
class SpeedConfig:
    compile: str = _setting("auto", *COMPILING)


@dataclass(frozen=True, slots=True)
class PathsConfig:
    lora: Path = Path("lora")
    lora_cache: Path = Path("lora_cache")
    data: Path = Path("data")


@dataclass(frozen=True, slots=True)
class QueueConfig:
    max_jobs: int = _setting(200, least=1)
    max_jobs_per_owner: int = _setting(20, least=1)
    in_flight: int = _setting(32, least=1)


@dataclass(frozen=True, slots=True)
class StylesConfig:
    device_mb: int = _setting(1024, least=0)
    host_mb: int = _setting(4096, least=0)
    cache_mb: int = _setting(20_000, least=0)


@dataclass(frozen=True, slots=True)
class StoreConfig:
    url: str = _setting("sqlite")


@dataclass(frozen=True, slots=True)
class FilesConfig:
    name: str = "{date}-{time}_{width}x{height}_{styles}_seed{seed}_{id}"


@dataclass(frozen=True, slots=True)
class HistoryConfig:
    keep_days: int = _setting(0, least=0)
    keep_gb: int = _setting(0, least=0)
    trash_days: int = _setting(30, least=0)
    log: bool = False
    log_days: int = _setting(0, least=0)


@dataclass(frozen=True, slots=True)
class WebhooksConfig:
    """`secrets` are one for all addresses or one for each, as they are used: never a name of the environment."""

    urls: tuple[str, ...] = ()
    secrets: tuple[str, ...] = field(default=(), repr=False)
    events: tuple[str, ...] = _setting(("finished", "failed", "cancelled"), *EVENTS)
    prompts: bool = False
    private: bool = False


@dataclass(frozen=True, slots=True)
class ArchiveConfig:
    folder: str = _setting("", folder=True)


@dataclass(frozen=True, slots=True)
class WebConfig:
    allowed_hosts: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Config:
    """All settings. Paths are absolute once read by `load`.

    `streamlit` holds its sections by name; `server` always has an `address` and a `port`.
    """

    model: ModelConfig = field(default_factory=ModelConfig)
    memory: MemoryConfig = field(default_factory=MemoryConfig)
    speed: SpeedConfig = field(default_factory=SpeedConfig)
    paths: PathsConfig = field(default_factory=PathsConfig)
    queue: QueueConfig = field(default_factory=QueueConfig)
    styles: StylesConfig = field(default_factory=StylesConfig)
    store: StoreConfig = field(default_factory=StoreConfig)
    files: FilesConfig = field(default_factory=FilesConfig)
    history: HistoryConfig = field(default_factory=HistoryConfig)
    webhooks: WebhooksConfig = field(default_factory=WebhooksConfig)
    archive: ArchiveConfig = field(default_factory=ArchiveConfig)
    web: WebConfig = field(default_factory=WebConfig)
    streamlit: Mapping[str, Any] = field(default_factory=dict)
    source: Path = ROOT / "config.toml"


def load(file: Path | None = None, root: Path = ROOT) -> Config:
    """Read `file` (by default `root/config.toml`). Raises UserError naming the file, the key and what is accepted."""
    source = file or root / "config.toml"
    try:
        data = tomllib.loads(source.read_text("utf-8-sig"))  # an editor may have put a byte order mark first
    except FileNotFoundError as error:
        raise UserError(
            "There is no configuration file {file}. Give another with --config.", file=str(source)
        ) from error
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(
            "The configuration file {file} cannot be read: {why}.", file=str(source), why=str(error)
        ) from error
    except tomllib.TOMLDecodeError as error:
        raise UserError("{file} is not valid TOML: {why}.", file=str(source), why=str(error)) from error
    ours = {f.name: f for f in fields(Config) if f.name not in ("streamlit", "source")}
    sections: dict[str, Any] = {}
    theirs: dict[str, dict[str, Any]] = {name: dict(values) for name, values in STREAMLIT_DEFAULTS.items()}
    for name, values in data.items():
        if name in STREAMLIT_SECTIONS and isinstance(values, dict):
            theirs.setdefault(name, {}).update(values)
        elif name not in ours:
            raise _unknown(source, name, [*ours, *STREAMLIT_SECTIONS])
        elif not isinstance(values, dict):
            raise _wrong(source, name, "a section, [" + name + "]", values)
        else:
            sections[name] = _section(source, name, ours[name].default_factory, values, root)  # type: ignore[arg-type]
    for name, f in ours.items():
        sections.setdefault(name, _section(source, name, f.default_factory, {}, root))  # type: ignore[arg-type]
    folder = _folder(source, "model.path", sections["model"].path, root)
    if folder.is_dir():  # else it may be a hub id: left as it is
        sections["model"] = replace(sections["model"], path=str(folder))
    sections["webhooks"] = _checked_webhooks(source, sections["webhooks"])
    _check_server(source, theirs["server"])
    return Config(**sections, streamlit=theirs, source=source)


def _section(source: Path, section: str, kind: type, values: dict[str, Any], root: Path) -> Any:
    known = {f.name: f for f in fields(kind)}
    given: dict[str, Any] = {}
    for name in values:
        if name not in known:
            raise _unknown(source, f"{section}.{name}", [f"{section}.{k}" for k in known])
    for name, f in known.items():
        value = values.get(name, f.default)
        given[name] = _value(source, f"{section}.{name}", f, value, root)
    return kind(**given)


def _value(source: Path, key: str, f: Any, value: Any, root: Path) -> Any:
    accepted, least = f.metadata.get("accepted", ()), f.metadata.get("least")
    if f.type is Path:
        if not isinstance(value, str | Path) or not str(value).strip():
            raise _wrong(source, key, "a folder, in quotes", value)
        return _folder(source, key, value, root)
    if get_origin(f.type) is tuple:
        kind = get_args(f.type)[0]
        if not isinstance(value, list | tuple) or not all(isinstance(v, kind) for v in value):
            raise _wrong(source, key, 'a list of texts, ["...", "..."]', "another thing" if "secret" in key else value)
        if accepted and not set(value) <= set(accepted):
            raise _wrong(source, key, "a list of some of " + ", ".join(f'"{a}"' for a in accepted), value)
        return tuple(value)
    if f.type is bool:
        if not isinstance(value, bool):
            raise _wrong(source, key, "true or false", value)
        return value
    if f.type is int:
        if isinstance(value, bool) or not isinstance(value, int) or (least is not None and value < least):
            raise _wrong(source, key, f"a whole number, {least} or more", value)
        return value
    if f.metadata.get("folder"):
        if not isinstance(value, str):
            raise _wrong(source, key, "a folder, in quotes, or empty", value)
        return str(_folder(source, key, value, root)) if value.strip() else ""
    if not isinstance(value, str) or not value.strip():
        raise _wrong(source, key, "a text, in quotes", value)
    if accepted and value not in accepted:
        raise _wrong(source, key, "one of " + ", ".join(f'"{a}"' for a in accepted), value)
    return value


def _folder(source: Path, key: str, value: str | Path, root: Path) -> Path:
    try:
        return (root / Path(value).expanduser()).resolve()
    except (OSError, RuntimeError, ValueError) as error:  # a loop of links, no such user's home, a null character
        raise _wrong(source, key, "a folder, in quotes", value) from error


def _checked_webhooks(source: Path, webhooks: WebhooksConfig) -> WebhooksConfig:
    """With the secrets that were named only. No message shows a secret."""
    for url in webhooks.urls:
        if not _is_web_address(url):
            raise _wrong(source, "webhooks.urls", 'a list of addresses, such as "https://example.com/hook"', url)
    if len(set(webhooks.urls)) < len(webhooks.urls):
        raise _wrong(source, "webhooks.urls", "a list of different addresses", list(webhooks.urls))
    secrets = tuple(_secret(source, secret) for secret in webhooks.secrets)
    if webhooks.urls and len(secrets) not in (1, len(webhooks.urls)):
        accepted = f"a list of one secret, or one for each of the {len(webhooks.urls)} addresses"
        raise _wrong(source, "webhooks.secrets", accepted, f"{len(secrets)} secrets")
    return replace(webhooks, secrets=secrets)


def _is_web_address(url: str) -> bool:
    try:
        parts = urlsplit(url)
        plain = url.isascii() and url.isprintable() and " " not in url
        return (
            plain and parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0 and "@" not in url
        )
    except ValueError:
        return False


def _secret(source: Path, secret: str) -> str:
    if secret.startswith(_FROM_ENVIRONMENT):
        name = secret.removeprefix(_FROM_ENVIRONMENT)
        if name not in os.environ:
            raise UserError(
                "{file}: webhooks.secrets names {name} of the environment, and there is none. Set it and start again.",
                file=str(source), name=name,
            )  # fmt: skip
        secret = os.environ[name].strip()
    try:
        key = base64.b64decode(secret.removeprefix("whsec_"), validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if not secret.startswith("whsec_") or len(key) not in SECRET_BYTES:
        accepted = f'"whsec_" and {SECRET_BYTES[0]} to {SECRET_BYTES[-1]} bytes in base64, or "env:NAME"'
        raise _wrong(source, "webhooks.secrets", accepted, "something else")
    return secret


def _check_server(source: Path, server: Mapping[str, Any]) -> None:
    port, address = server["port"], server["address"]
    if isinstance(port, bool) or not isinstance(port, int) or not 0 < port <= MOST_PORT:
        raise _wrong(source, "server.port", f"a whole number from 1 to {MOST_PORT}", port)
    if not isinstance(address, str) or not address.strip():
        raise _wrong(source, "server.address", 'an address, in quotes, such as "127.0.0.1" or "0.0.0.0"', address)


def _unknown(source: Path, key: str, known: list[str]) -> UserError:
    near = difflib.get_close_matches(key, known, n=1)
    hint = f"Did you mean {near[0]}?" if near else "Known are " + ", ".join(known) + "."
    return UserError("{file}: there is no setting {key}. {hint}", file=str(source), key=key, hint=hint)


def _wrong(source: Path, key: str, accepted: str, value: object) -> UserError:
    return UserError(
        "{file}: {key} has to be {accepted}; it is {value}.",
        file=str(source), key=key, accepted=accepted, value=repr(value)[:80],
    )  # fmt: skip

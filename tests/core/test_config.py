"""config.toml is read in full or refused by file and key; and it shows every setting there is."""

import re
import tomllib
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

from core import config
from core.errors import UserError

FILE = config.ROOT / "config.toml"
OURS = [f for f in fields(config.Config) if f.name not in ("streamlit", "source")]

Read = Callable[[str], config.Config]


@pytest.fixture
def read(tmp_path: Path) -> Read:
    def read(text: str) -> config.Config:
        file = tmp_path / "my.toml"
        file.write_text(text, "utf-8")
        return config.load(file, root=tmp_path)

    return read


def test_without_a_line_every_default_holds(read: Read, tmp_path: Path) -> None:
    empty, ours = read(""), config.load(FILE, root=tmp_path)
    assert (empty.model, empty.paths, empty.queue, empty.web) == (ours.model, ours.paths, ours.queue, ours.web)


def test_a_studio_is_never_open_to_the_network_unless_asked(read: Read) -> None:
    for text in ("", "[server]\nport = 9000", '[theme]\nbase = "light"'):
        assert read(text).streamlit["server"]["address"] == "127.0.0.1"
        assert read(text).streamlit["browser"]["gatherUsageStats"] is False
    assert read('[server]\naddress = "0.0.0.0"').streamlit["server"]["address"] == "0.0.0.0"


def test_a_setting_of_streamlit_is_passed_on_beside_our_defaults(read: Read) -> None:
    theirs = read('[server]\nport = 9000\n[theme]\nbase = "dark"\n[theme.sidebar]\nbase = "x"').streamlit
    assert theirs["server"]["port"] == 9000
    assert theirs["server"]["headless"] is True
    assert theirs["theme"] == {"base": "dark", "sidebar": {"base": "x"}}


def test_reading_one_file_leaves_no_trace_in_the_next(read: Read) -> None:
    read("[server]\nport = 9000")
    assert read("").streamlit["server"]["port"] == 8501


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[modle]\npath = 'x'", r"there is no setting modle. Did you mean model\?"),
        ("[model]\npaht = 'x'", r"there is no setting model.paht. Did you mean model.path\?"),
        ("[queue]\nzzz = 1", r"there is no setting queue.zzz. Known are queue.max_jobs, .*, queue.in_flight\."),
        ("port = 1", "there is no setting port"),
        ("model = 'x'", r"model has to be a section, \[model\]; it is 'x'"),
        ("server = 7", "there is no setting server"),
        ("[model]\npath = 7", "model.path has to be a text, in quotes; it is 7"),
        ("[model]\npath = ' '", "model.path has to be a text, in quotes"),
        ("[model]\npath = '~nobody-of-that-name/x'", "model.path has to be a folder, in quotes"),
        ('[model]\npath = "a\\u0000b"', "model.path has to be a folder, in quotes"),
        ("[model]\ndevice = 'gpu'", 'model.device has to be one of "auto", "cuda", "mps", "cpu"; it is \'gpu\''),
        ("[paths]\ndata = 7", "paths.data has to be a folder, in quotes; it is 7"),
        ("[paths]\ndata = ''", "paths.data has to be a folder, in quotes"),
        ("[paths]\nlora = '~nobody-of-that-name/x'", "paths.lora has to be a folder, in quotes"),
        ('[paths]\nlora = "a\\u0000b"', "paths.lora has to be a folder, in quotes"),
        ("[queue]\nmax_jobs = '9'", "queue.max_jobs has to be a whole number, 1 or more; it is '9'"),
        ("[queue]\nmax_jobs = 0", "queue.max_jobs has to be a whole number, 1 or more; it is 0"),
        ("[queue]\nmax_jobs = 1.0", "queue.max_jobs has to be a whole number"),
        ("[queue]\nmax_jobs = true", "queue.max_jobs has to be a whole number"),
        ("[web]\nallowed_hosts = 'a'", r'web.allowed_hosts has to be a list of texts, \["...", "..."\]'),
        ("[web]\nallowed_hosts = [1]", "web.allowed_hosts has to be a list of texts"),
        ("[history]\nlog = 1", "history.log has to be true or false; it is 1"),
        ("[history]\nlog_days = -1", "history.log_days has to be a whole number, 0 or more"),
        ("[archive]\nfolder = 7", "archive.folder has to be a folder, in quotes, or empty; it is 7"),
        ("[webhooks]\nurls = ['ftp://x/y']", 'webhooks.urls has to be a list of addresses, such as "https://'),
        ("[webhooks]\nurls = ['https://']", "webhooks.urls has to be a list of addresses"),
        ("[webhooks]\nurls = ['https://x y/']", "webhooks.urls has to be a list of addresses"),
        ("[webhooks]\nurls = ['https://user:word@x/']", "webhooks.urls has to be a list of addresses"),
        ("[webhooks]\nurls = ['https://x:99999/']", "webhooks.urls has to be a list of addresses"),
        ("[webhooks]\nurls = ['http://x/', 'http://x/']", "webhooks.urls has to be a list of different addresses"),
        ("[webhooks]\nurls = ['https://x/']", "webhooks.secrets has to be a list of one secret, or one for each"),
        ("[webhooks]\nevents = ['done']", 'webhooks.events has to be a list of some of "accepted", "started"'),
        ("[webhooks]\nprompts = 'yes'", "webhooks.prompts has to be true or false"),
        ("[webhooks]\nsecrets = ['env:NO_SUCH_NAME']", "names NO_SUCH_NAME of the environment, and there is none"),
        ("[server]\nport = '8501'", "server.port has to be a whole number from 1 to 65535; it is '8501'"),
        ("[server]\nport = 0", "server.port has to be a whole number from 1 to 65535"),
        ("[server]\nport = 70000", "server.port has to be a whole number from 1 to 65535"),
        ("[server]\nport = true", "server.port has to be a whole number from 1 to 65535"),
        ("[server]\naddress = 7", "server.address has to be an address, in quotes"),
        ("[server]\naddress = ''", "server.address has to be an address, in quotes"),
        ("[model\n", "is not valid TOML"),
        ("[model]\n[model]\n", "is not valid TOML"),
    ],
)
def test_what_is_wrong_is_refused_by_file_key_and_what_would_be_right(read: Read, text: str, says: str) -> None:
    with pytest.raises(UserError, match=says) as raised:
        read(text)
    assert "my.toml" in str(raised.value)


@pytest.mark.parametrize(
    "secrets",
    ["'hunter2-hunter2'", "['hunter2-hunter2']", "['whsec_hunter2=']", "['whsec_' , 'hunter2']", "['env:SECRET']"],
)
def test_a_secret_that_is_none_is_refused_and_never_shown(
    read: Read, secrets: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SECRET", "whsec_hunter2")
    with pytest.raises(UserError, match="webhooks.secrets has to be") as raised:
        read(f"[webhooks]\nurls = ['https://x/']\nsecrets = {secrets}")
    assert "hunter2" not in str(raised.value)


def test_secrets_may_stand_in_the_environment_and_are_not_shown(read: Read, monkeypatch: pytest.MonkeyPatch) -> None:
    secret = "whsec_" + "QUJD" * 10
    monkeypatch.setenv("MY_SECRET", f"{secret}\n")
    webhooks = read("[webhooks]\nurls = ['https://x/', 'http://y:1/z?a=b']\nsecrets = ['env:MY_SECRET']").webhooks
    assert webhooks.secrets == (secret,)
    assert "QUJD" not in repr(webhooks)


def test_the_archive_is_a_folder_or_none(read: Read, tmp_path: Path) -> None:
    assert read("[archive]\nfolder = ''").archive.folder == ""
    assert read("[archive]\nfolder = 'copies'").archive.folder == str(tmp_path / "copies")


def test_a_file_that_is_not_there_or_not_text_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"no configuration file .*gone\.toml\. Give another with --config"):
        config.load(tmp_path / "gone.toml")
    with pytest.raises(UserError, match="cannot be read"):
        config.load(tmp_path)
    (tmp_path / "latin.toml").write_bytes(b"[model]\npath = '\xe9'")
    with pytest.raises(UserError, match="cannot be read"):
        config.load(tmp_path / "latin.toml")


def test_a_byte_order_mark_is_no_obstacle(tmp_path: Path) -> None:
    (tmp_path / "bom.toml").write_bytes(b"\xef\xbb\xbf[queue]\nmax_jobs = 3")
    assert config.load(tmp_path / "bom.toml").queue.max_jobs == 3


def test_relative_folders_count_from_the_folder_of_the_app_not_from_where_one_stands(
    read: Read, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "models" / "mine").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "elsewhere")
    loaded = read('[model]\npath = "models/mine"\n[paths]\nlora = "styles"\ndata = "/absolute/data"')
    assert loaded.model.path == str(tmp_path / "models" / "mine")
    assert loaded.paths.lora == tmp_path / "styles"
    assert loaded.paths.data == Path("/absolute/data")
    assert loaded.paths.lora_cache == tmp_path / "lora_cache"


def test_a_tilde_is_the_users_home(read: Read, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "model").mkdir()
    monkeypatch.setenv("HOME", str(tmp_path))
    loaded = read('[model]\npath = "~/model"\n[paths]\nlora = "~/lora"')
    assert loaded.model.path == str(tmp_path / "model")
    assert loaded.paths.lora == tmp_path / "lora"


def test_what_is_no_folder_here_stays_a_name_on_the_hub(read: Read) -> None:
    assert read('[model]\npath = "Tongyi-MAI/Z-Image-Turbo"').model.path == "Tongyi-MAI/Z-Image-Turbo"


def commented_keys() -> dict[str, str]:
    """`section.key` to the comment right above it, or above the keys it stands with."""
    found: dict[str, str] = {}
    section = comment = ""
    for line in FILE.read_text("utf-8").splitlines():
        if line.startswith("["):
            section, comment = line.strip("[]"), ""
        elif line.startswith("#"):
            comment += line[1:]
        elif not line.strip():
            comment = ""
        elif match := re.match(r"(\w+) =", line):
            found[f"{section}.{match[1]}"] = comment
    return found


@pytest.mark.parametrize("section", OURS, ids=lambda f: f.name)
def test_every_setting_stands_in_config_toml_with_a_comment_and_its_default(section: Any) -> None:
    written, comments = tomllib.loads(FILE.read_text("utf-8")), commented_keys()
    for f in fields(section.default_factory):
        value = written[section.name][f.name]
        assert (tuple(value) if isinstance(value, list) else value) == (
            str(f.default) if isinstance(f.default, Path) else f.default
        )
        assert comments[f"{section.name}.{f.name}"].strip(), f"{section.name}.{f.name} has no comment"


def test_config_toml_holds_no_setting_that_is_none() -> None:
    known = {f"{s.name}.{f.name}" for s in OURS for f in fields(s.default_factory)}
    ours = {key for key in commented_keys() if key.split(".")[0] not in config.STREAMLIT_SECTIONS}
    assert ours == known


def test_our_defaults_for_streamlit_are_those_config_toml_shows() -> None:
    written = tomllib.loads(FILE.read_text("utf-8"))
    for section, values in config.STREAMLIT_DEFAULTS.items():
        for name, value in values.items():
            assert written[section][name] == value, f"[{section}] {name}"


def test_the_settings_cannot_be_changed_once_read(read: Read) -> None:
    with pytest.raises(AttributeError):
        read("").queue.max_jobs = 1  # type: ignore[misc]

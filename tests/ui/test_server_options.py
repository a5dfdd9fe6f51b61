"""What config.toml may say to Streamlit."""

from pathlib import Path

import pytest

from core.config import Config, load
from core.errors import UserError
from ui import server_options

ROOT = Path(__file__).resolve().parents[2]


def options(sections, **given):
    return server_options.checked(Config(streamlit=sections, source=Path("my.toml")), **given)


def test_the_settings_that_come_with_the_studio_are_streamlits_own():
    checked = server_options.checked(load(ROOT / "config.toml"))
    assert checked["server.address"] == "127.0.0.1" and checked["theme.dark.backgroundColor"]


def test_a_setting_that_is_left_out_is_what_the_file_that_comes_with_the_studio_says():
    assert server_options.checked(load(ROOT / "config.toml")) == options({"server": load().streamlit["server"]}) | {
        f"{section}.{name}": value
        for section, values in load().streamlit.items()
        if section != "theme"
        for name, value in values.items()
    }


def test_the_command_line_wins_over_the_file():
    checked = options({"server": {"port": 1234, "address": "::1"}}, address="127.0.0.2", port=4321)
    assert (checked["server.address"], checked["server.port"]) == ("127.0.0.2", 4321)


def test_an_unknown_setting_names_file_key_and_the_nearest_that_there_is():
    with pytest.raises(UserError, match=r"my.toml: .*server.prot.*Did you mean server.port\?"):
        options({"server": {"prot": 8501}})


@pytest.mark.parametrize(
    ("sections", "says"),
    [
        ({"server": {"port": "8501"}}, "server.port has to be a whole number"),
        ({"server": {"headless": 1}}, "server.headless has to be true or false"),
        ({"server": {"cookieSecret": "x"}}, "server.cookieSecret is a secret"),
        ({"server": {"port": 0}}, "no port 0"),
        ({"server": {"port": 70000}}, "no port 70000"),
    ],
)
def test_a_setting_that_cannot_be_is_an_error_that_says_so(sections, says):
    with pytest.raises(UserError, match=says):
        options(sections)

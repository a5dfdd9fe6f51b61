"""What the README says is so: its commands are taken, its files are there, its settings exist, its tree is whole."""

import re
import shlex
import subprocess
import sys
import tomllib
from dataclasses import fields
from pathlib import Path

import pytest

from core import config
from studio.__main__ import _parser

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text("utf-8")
COMMANDS = re.findall(r"^(\./start\.sh.*)$", README, re.MULTILINE) + re.findall(
    r"`((?:\./start\.sh|python -m studio)[^`]*)`", README
)
START = (ROOT / "start.sh").read_text("utf-8")


def app_options() -> str:
    return subprocess.run(
        [sys.executable, "app.py", "--help"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout


@pytest.mark.parametrize("command", sorted(set(COMMANDS)))
def test_a_command_of_the_readme_is_one_that_is_taken(command: str) -> None:
    program, *arguments = shlex.split(command)
    if program == "python":
        arguments = arguments[2:]
    if program == "python" or arguments[:1] in (["draw"], ["photo"], ["upscale"], ["doctor"], ["inspect"], ["compile"]):
        if len(arguments) > 1 and arguments[-1] != "--help":
            assert _parser().parse_args(arguments).run
        assert re.search(rf"^[a-z |]*\b{arguments[0]}\b[a-z |]*\)$", START, re.MULTILINE)
    elif arguments[:1] == ["test"]:
        assert "\ntest)\n" in START
    elif arguments:
        assert arguments[0].startswith("--")
        assert f"{arguments[0]} " in app_options()


def test_the_readme_shows_both_ways_in() -> None:
    assert {"./start.sh", "./start.sh test", "./start.sh doctor"} <= set(COMMANDS)
    assert any(c.startswith("./start.sh draw ") for c in COMMANDS)


def test_every_option_of_the_server_stands_in_the_help_of_start_sh() -> None:
    for option in set(re.findall(r"--[a-z]+", app_options())) - {"--help"}:
        assert f"{option} " in START, option


def test_every_file_the_readme_links_to_is_there() -> None:
    for target in re.findall(r"\]\(([^)]+)\)", README):
        if not target.startswith("https://"):
            assert (ROOT / target).is_file(), target


def test_every_setting_the_readme_names_is_one() -> None:
    known = {f"[{s.name}] {f.name}" for s in fields(config.Config) if s.name not in ("streamlit", "source")
             for f in fields(s.default_factory)}  # type: ignore[arg-type]  # fmt: skip
    known |= {f"[{section}] {name}" for section, values in config.STREAMLIT_DEFAULTS.items() for name in values}
    named = set(re.findall(r"`(\[\w+\] \w+)`", README))
    assert named
    assert named <= known
    for block in re.findall(r"```toml\n(.*?)```", README, re.DOTALL):
        for section, values in tomllib.loads(block).items():
            assert {f"[{section}] {name}" for name in values} <= known


def test_the_tree_in_the_readme_is_the_tree() -> None:
    out = subprocess.run(
        ["git", "-c", f"safe.directory={ROOT}", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout
    folders = {line.split("/")[0] + "/" for line in out.splitlines() if "/" in line and not line.startswith(".")}
    rows = "\n".join(line for line in README.splitlines() if line.startswith("| `"))
    assert set(re.findall(r"`(\w+/)`", rows.replace("`browser/`", "").replace("`house/`", ""))) == folders

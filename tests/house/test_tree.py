"""The tree speaks for itself: each module says what it is for, and no file says where or by whom it was made."""

import ast
import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
GIT = ["git", "-c", f"safe.directory={ROOT}", "ls-files", "-z"]
# Split, so that this file does not hold what it looks for.
NOWHERE = {
    "a path of one machine": r"(?<!\w)/wo" r"rk/|(?<!\w)/ro" r"ot/|/ho" r"me/[a-z]|/Us" r"ers/[a-z]|/opt/(wheels|pypi)",
    "a package registry's address": r"pypi\.(org|python)|python"
    r"hosted|down"
    r"load\.pytorch|registry\.npm|"
    r"index-"
    r"url|/sim"
    r"ple\b|\.w"
    r"hl\b",
    "a secret": r"BEGIN [A-Z ]*PRIVATE KEY|\bgh[pousr]_\w{30}|\bhf_[A-Za-z]{30}|\bsk-\w{20}|AKIA[0-9A-Z]{16}",
}
BINARY = {".png", ".safetensors", ".mo", ".webp", ".ico", ".woff2"}
MOST_MB = 45  # demo model, styles and pictures together; git keeps every version of them


def tracked() -> list[Path]:
    out = subprocess.run(GIT, cwd=ROOT, capture_output=True, check=True).stdout
    return [Path(name) for name in out.decode().split("\0") if name and (ROOT / name).is_file()]


FILES = tracked()


@pytest.mark.parametrize("file", [f for f in FILES if f.suffix == ".py"], ids=str)
def test_a_module_begins_with_what_it_is_for(file: Path) -> None:
    assert ast.get_docstring(ast.parse((ROOT / file).read_text("utf-8"))), f"{file} has no docstring"


@pytest.mark.parametrize("what", NOWHERE)
def test_no_file_holds(what: str) -> None:
    pattern = re.compile(NOWHERE[what])
    for file in FILES:
        if file.suffix in BINARY or file.name == "LICENSE":
            continue
        for number, line in enumerate((ROOT / file).read_text("utf-8").splitlines(), 1):
            assert not pattern.search(line), f"{file}:{number} holds {what}: {line.strip()[:100]}"


def test_a_clone_stays_small() -> None:
    assert sum((ROOT / f).stat().st_size for f in FILES) < MOST_MB * 1e6


def test_nothing_that_is_made_while_running_is_tracked() -> None:
    made = (".venv", "data", "__pycache__", ".pytest_cache", ".mypy_cache", ".ruff_cache", ".hypothesis")
    assert [f for f in FILES if f.parts[0] in made or "__pycache__" in f.parts] == []

"""`python -m bench.gpu` runs from end to end where little is installed, within its time, and keeps what it has."""

import json
import re
import subprocess
import sys
import tomllib
from importlib.metadata import PackageNotFoundError, packages_distributions, requires
from pathlib import Path

import pytest

from bench.gpu.sheet import Sheet

ROOT = Path(__file__).parents[2]
NEEDED = ("torch", "diffusers", "transformers", "peft", "safetensors")

WITHOUT = '''
import importlib.machinery, runpy, sys

class Missing:
    """Finds what is not to be there, and fails to load it."""
    def find_spec(self, name, path=None, target=None):
        return importlib.machinery.ModuleSpec(name, self) if name in MISSING else None
    def create_module(self, spec):
        raise ModuleNotFoundError(f"{spec.name} is not there", name=spec.name)
    def exec_module(self, module):
        pass

MISSING = set(sys.argv.pop(1).split(","))
sys.meta_path.insert(0, Missing())
runpy.run_module("bench.gpu", run_name="__main__", alter_sys=True)
'''


def distribution(requirement: str) -> str:
    name = re.split(r"[^A-Za-z0-9._-]", requirement, maxsplit=1)[0]
    return re.sub(r"[-_.]+", "-", name).lower()


def brought_along(names: tuple[str, ...]) -> set[str]:
    """These distributions and all that they require."""
    found: set[str] = set()
    waiting = list(names)
    while waiting:
        name = waiting.pop()
        if name in found:
            continue
        found.add(name)
        try:
            needed = requires(name) or []
        except PackageNotFoundError:
            continue
        waiting += [distribution(r) for r in needed if "extra ==" not in r]
    return found


def others() -> set[str]:
    """Modules that the studio needs and the benchmark may not."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    wanted = project["dependencies"] + [r for extra in project["optional-dependencies"].values() for r in extra]
    not_there = {distribution(requirement) for requirement in wanted} - brought_along(NEEDED)
    return {
        module
        for module, distributions in packages_distributions().items()
        if {distribution(d) for d in distributions} <= not_there
    }


def test_the_least_of_it_runs_where_only_five_libraries_are(tmp_path: Path) -> None:
    missing = others()
    assert {"streamlit", "starlette", "sqlalchemy", "pytest"} <= missing
    file = tmp_path / "figures.json"
    result = subprocess.run(
        [sys.executable, "-c", WITHOUT, ",".join(missing), "--tiny", "--json", str(file)],
        cwd=ROOT, capture_output=True, text=True, timeout=300,
    )  # fmt: skip
    assert result.returncode == 0, result.stderr
    rows = json.loads(file.read_text("utf-8"))["rows"]
    assert [row for row in rows if "failed" in row or "skipped" in row] == []
    assert "No graphics card is measured" in result.stdout
    found = {(row["title"], row["row"]) for row in rows}
    for styles in ("no style", "one style", "two styles"):
        for name in ("diffusers, eager", "diffusers, compiled", "ours, eager", "ours, compiled"):
            assert (f"a picture of 64 x 64, 2 steps, {styles}", name) in found
    compiled = next(row for row in rows if row["row"].startswith("compiled over swaps"))
    assert (compiled["swaps"], compiled["compiled"]) == (50, 0)


def test_what_there_is_no_time_for_is_left_out_and_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    now = [0.0]
    sheet = Sheet(1.0, tmp_path / "figures.json", {"device": "a test"}, now=lambda: now[0])
    sheet.title("rows")
    sheet.measure("short", 30, lambda: {"ms": 1.0})
    now[0] = 40.0
    sheet.measure("long", 30, lambda: pytest.fail("there was no time for it"))
    kept = json.loads((tmp_path / "figures.json").read_text("utf-8"))
    assert [row["row"] for row in kept["rows"]] == ["short", "long"]
    assert kept["rows"][1]["skipped"] == "it takes 30 s, and 20 s are left"
    assert "it takes 30 s, and 20 s are left" in capsys.readouterr().out


def test_a_row_that_fails_is_kept_and_the_next_is_measured(tmp_path: Path) -> None:
    sheet = Sheet(1.0, tmp_path / "figures.json", {})

    def broken() -> None:
        raise RuntimeError("no such kernel")

    sheet.measure("broken", 1, broken)
    sheet.measure("whole", 1, lambda: {"ms": 2.0})
    assert sheet.rows[0]["failed"] == "RuntimeError: no such kernel"
    assert json.loads((tmp_path / "figures.json").read_text("utf-8"))["rows"][1]["ms"] == 2.0

"""Imports point one way (app -> ui | web -> studio -> core, pipeline -> core), and importing does nothing else."""

import ast
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
LAYERS = {  # what each may import of ours
    "core": {"core"},
    "pipeline": {"pipeline", "core"},
    "studio": {"studio", "core"},
    "web": {"web", "studio", "core"},
    "ui": {"ui", "web", "studio", "core"},
    "demo": {"demo", "core"},
    "bench": {"bench", "demo", "pipeline", "studio", "core"},
    "app": {"core", "studio", "ui", "web"},
}
OURS = set(LAYERS)
MODELS = {"torch", "diffusers", "transformers", "peft", "safetensors", "accelerate", "tokenizers"}
MAY_IMPORT = {  # whose business a library is
    **dict.fromkeys(MODELS, {"pipeline", "demo", "bench"}),
    "streamlit": {"ui", "app", "bench"},
    "starlette": {"web", "ui", "app"},
    "sqlalchemy": {"studio", "bench"},
    "alembic": {"studio"},
}
JOINT = Path("studio/build.py")  # joins studio and pipeline
SCRIPTS = {Path("app.py"), Path("ui/main.py"), Path("studio/store/migrations/env.py")}  # run, never imported


def modules() -> list[Path]:
    folders = [ROOT / name for name in LAYERS if name != "app"]
    return [Path("app.py"), *sorted(f.relative_to(ROOT) for folder in folders for f in folder.rglob("*.py"))]


def imported(file: Path) -> Iterator[str]:
    """Every module that `file` imports anywhere in it, functions and type-checking blocks included."""
    for node in ast.walk(ast.parse((ROOT / file).read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, f"{file}: a relative import hides which layer it is from"
            yield str(node.module)
        elif isinstance(node, ast.Call) and ast.unparse(node.func) in ("__import__", "importlib.import_module"):
            raise AssertionError(f"{file}:{node.lineno}: a computed import cannot be checked")


@pytest.mark.parametrize("file", modules(), ids=str)
def test_a_module_imports_only_from_its_own_layer_and_those_below(file: Path) -> None:
    layer = file.parts[0].removesuffix(".py")
    for name in imported(file):
        top = name.split(".")[0]
        if top in OURS:
            joins = file == JOINT and top == "pipeline"
            assert joins or top in LAYERS[layer], f"{file} imports {name}"
        elif top in MAY_IMPORT:
            assert layer in MAY_IMPORT[top], f"{file} imports {name}"
        elif layer == "core":
            assert top in sys.stdlib_module_names, f"{file} imports {name}: core is the standard library only"


WATCH = '''
import os, sys, importlib
ROOT = sys.argv[1]
WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT
DEEDS = {"os.mkdir", "os.remove", "os.rename", "socket.bind", "socket.connect", "subprocess.Popen",
         "_thread.start_new_thread", "signal.signal"}

def ours():
    """Whether one of our modules does it itself, rather than a library that is being imported."""
    frame = sys._getframe(2)
    while frame is not None:
        file = frame.f_code.co_filename
        if "importlib._bootstrap" in file:
            return False
        if file.startswith(ROOT) and ".venv" not in file:
            return True
        frame = frame.f_back
    return False

def watch(event, arguments):
    deed = event in DEEDS or (event == "open" and isinstance(arguments[2], int) and arguments[2] & WRITES)
    if deed and ours():
        print(current, event, arguments[:1])

current = ""
sys.addaudithook(watch)
for current in sys.argv[2:]:
    importlib.import_module(current)
'''


def test_importing_a_module_starts_no_thread_and_makes_no_file(tmp_path: Path) -> None:
    names = [".".join(f.with_suffix("").parts).removesuffix(".__init__") for f in modules() if f not in SCRIPTS]
    result = subprocess.run(
        [sys.executable, "-c", WATCH, str(ROOT), *names],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert (result.returncode, result.stdout) == (0, ""), result.stderr
    assert list(tmp_path.iterdir()) == []

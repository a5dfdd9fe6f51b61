"""No file does harm: each is refused by name, within bounds, and nothing is run or left behind."""

import hashlib
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from core.errors import UserError
from pipeline.describe import describe
from pipeline.lora.cache import Cache
from pipeline.lora.inspect import Inspector
from pipeline.lora.tools import inspector as make_inspector
from tests.hostile import corpus

ROOT = Path(__file__).parents[2]
CASES = corpus.cases(Path("/nonexistent/was-run"))
MOST_MEMORY_MB = 200
INSPECT_ALL = """
import resource, sys
from pathlib import Path
from core.config import load
from pipeline.describe import describe
from pipeline.lora.tools import inspector
look = inspector(describe(load().model.path))
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
for file in sorted(Path(sys.argv[1]).iterdir()):
    report = look.inspect(file)
    print("refused" if report.problem else "taken", file.name)
print("torch" in sys.modules, (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024)
"""


@pytest.fixture(scope="module")
def inspector(demo_model: Path) -> Inspector:
    return make_inspector(describe(str(demo_model)))


@pytest.fixture
def write(tmp_path: Path) -> Callable[[bytes], Path]:
    def write_(data: bytes) -> Path:
        file = tmp_path / "odd.safetensors"
        file.write_bytes(data)
        return file

    return write_


def test_there_are_enough_of_them() -> None:
    assert len({case.name for case in CASES}) == len(CASES) >= 40


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_each_is_refused_by_name_and_leaves_nothing(
    inspector: Inspector, write: Callable[[bytes], Path], tmp_path: Path, case: corpus.Case
) -> None:
    file = write(case.data)
    report = inspector.inspect(file)
    assert report.problem is not None
    assert case.says in str(report.problem)
    assert '"odd"' in str(report.problem)
    assert str(report.problem).isprintable()
    assert (report.sha256, report.size_bytes) == (hashlib.sha256(case.data).hexdigest(), len(case.data))
    with pytest.raises(UserError):
        Cache(tmp_path / "cache", 100, inspector, torch.float32).compile(file, report.sha256)
    assert sorted(tmp_path.iterdir()) == [file]
    assert file.read_bytes() == case.data


def test_all_of_them_are_refused_without_torch_and_in_little_memory(tmp_path: Path) -> None:
    files = tmp_path / "files"
    files.mkdir()
    marker = tmp_path / "was run"
    for k, case in enumerate(corpus.cases(marker)):
        (files / f"{k}.safetensors").write_bytes(case.data)
    run = subprocess.run(
        [sys.executable, "-c", INSPECT_ALL, str(files)], cwd=ROOT, capture_output=True, text=True, check=True
    )
    *verdicts, last = run.stdout.splitlines()
    assert [v for v in verdicts if not v.startswith("refused")] == []
    assert len(verdicts) == len(CASES)
    imported_torch, megabytes = last.split()
    assert imported_torch == "False"
    assert int(megabytes) < MOST_MEMORY_MB
    assert not marker.exists()


@given(st.integers(0, len(corpus.good()) - 1), st.integers(0, 255))
def test_no_byte_changed_does_more_than_a_refusal(
    inspector: Inspector, tmp_path_factory: pytest.TempPathFactory, at: int, byte: int
) -> None:
    data = bytearray(corpus.good())
    data[at] = byte
    check_survives(inspector, tmp_path_factory, bytes(data))


@given(st.integers(0, len(corpus.good())), st.binary(max_size=40), st.integers(0, 40))
def test_no_bytes_put_in_or_taken_out_do_more_than_a_refusal(
    inspector: Inspector, tmp_path_factory: pytest.TempPathFactory, at: int, put_in: bytes, taken_out: int
) -> None:
    good = corpus.good()
    check_survives(inspector, tmp_path_factory, good[:at] + put_in + good[at + taken_out :])


@pytest.mark.slow
def test_no_byte_of_the_header_changed_does_more_than_a_refusal(
    inspector: Inspector, tmp_path_factory: pytest.TempPathFactory
) -> None:
    good = corpus.good()
    for at in range(8 + int.from_bytes(good[:8], "little")):
        for byte in (0, 34, 48, 125, 255):
            check_survives(inspector, tmp_path_factory, good[:at] + bytes([byte]) + good[at + 1 :])


def check_survives(inspector: Inspector, tmp_path_factory: pytest.TempPathFactory, data: bytes) -> None:
    """Inspection and compilation agree, and raise nothing but a refusal."""
    file = tmp_path_factory.getbasetemp() / "fuzz.safetensors"
    file.write_bytes(data)
    report = inspector.inspect(file)
    cache = Cache(None, 0, inspector, torch.float32)
    if report.problem is None:
        cache.compile(file, report.sha256)
    else:
        with pytest.raises(UserError):
            cache.compile(file, report.sha256)


@pytest.mark.parametrize("kind", ["pipe", "folder", "device", "loop", "nothing"])
def test_what_is_no_file_is_an_error_at_once(inspector: Inspector, tmp_path: Path, kind: str) -> None:
    odd = tmp_path / "odd.safetensors"
    if kind == "pipe":
        os.mkfifo(odd)
    elif kind == "folder":
        odd.mkdir()
    elif kind == "device":
        odd.symlink_to("/dev/zero")
    elif kind == "loop":
        odd.symlink_to(odd)
    with pytest.raises(OSError):
        inspector.inspect(odd)


@pytest.mark.parametrize(
    "name", ["风格", "\u202egnp.elyts", "<b>bold", "a'b\"c", "x" * 200, "Sketch", "sketch", " ", "a\nb", "%s{name}"]
)
def test_any_name_that_a_file_can_have_is_only_a_name(inspector: Inspector, tmp_path: Path, name: str) -> None:
    file = tmp_path / f"{name}.safetensors"
    file.write_bytes(corpus.good())
    assert inspector.inspect(file).problem is None
    file.write_bytes(b"<html>")
    problem = inspector.inspect(file).problem
    assert problem is not None and problem.values["name"] == name


def test_a_sparse_file_of_a_terabyte_is_refused_unread(inspector: Inspector, tmp_path: Path) -> None:
    file = tmp_path / "odd.safetensors"
    with file.open("wb") as out:
        out.write(corpus.good())
        try:
            out.truncate(2**40)
        except OSError:
            pytest.skip("this file system has no files that large")
    report = inspector.inspect(file)
    assert "larger than any style" in str(report.problem)
    assert report.sha256 == ""


def test_metadata_is_shown_as_text_that_can_be_written_anywhere(inspector: Inspector, tmp_path: Path) -> None:
    metadata = {"\u202e<b>": "a\0b\ud800", "long": "x" * 100_000} | {str(k): "y" for k in range(1000)}
    file = tmp_path / "odd.safetensors"
    file.write_bytes(corpus.packed(corpus.pair(), metadata))
    report = inspector.inspect(file)
    assert report.problem is None
    assert len(report.metadata) <= 200
    assert all(len(text) <= 2000 for text in report.metadata.values())
    assert "".join([*report.metadata, *report.metadata.values()]).encode().decode().isprintable()

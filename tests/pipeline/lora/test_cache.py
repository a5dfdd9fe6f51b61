"""Compiled styles are whole or not there, and never taken for one another."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from core.errors import UserError
from pipeline.lora.cache import Cache
from pipeline.lora.compiled import Compiled
from pipeline.lora.inspect import Inspector
from tests.hostile import corpus
from tests.pipeline.lora.formats import block_modules, dotted, random_style

ROOT = Path(__file__).parents[3]
Make = Callable[..., tuple[Path, str]]


@pytest.fixture
def make(inspector: Inspector, tmp_path: Path) -> Make:
    """A style file and its content's hash."""

    def make_(seed: int = 0, rank: int = 4) -> tuple[Path, str]:
        style = random_style(inspector.shapes, block_modules(inspector.shapes), rank, seed=seed)
        file = style.write(tmp_path / f"s{seed}.safetensors", dotted(""), {"who": "me"})
        return file, inspector.inspect(file).sha256

    return make_


def only_file(tmp_path: Path) -> Path:
    (file,) = (tmp_path / "cache").iterdir()
    return file


def same(a: Compiled, b: Compiled) -> bool:
    return torch.equal(a.data, b.data) and a.parts == b.parts and a.scales == b.scales


def test_what_is_compiled_is_found_again_without_the_source(cache: Cache, make: Make) -> None:
    file, sha256 = make()
    compiled = cache.compile(file, sha256)
    file.unlink()
    found = cache.find(sha256)
    assert found is not None and same(found, compiled)
    assert same(cache.compile(file, sha256), compiled)


def test_a_compiled_file_is_a_safetensors_file_without_metadata_in_the_models_dtype(
    inspector: Inspector, make: Make, tmp_path: Path
) -> None:
    file, sha256 = make(rank=3)
    Cache(tmp_path / "cache", 100, inspector, torch.bfloat16).compile(file, sha256)
    tensors = load_file(only_file(tmp_path))
    source = load_file(file)
    for module in block_modules(inspector.shapes):
        assert torch.equal(tensors[f"{module}.down"], source[f"{module}.lora_A.weight"].bfloat16())
        assert torch.equal(tensors[f"{module}.up"], source[f"{module}.lora_B.weight"].bfloat16())
    assert b"__metadata__" not in only_file(tmp_path).read_bytes()


def test_every_tensor_begins_where_torch_would_have_put_it(cache: Cache, make: Make) -> None:
    compiled = cache.compile(*make(rank=3))
    assert {entry.start % 64 for parts in compiled.parts.values() for entry in parts.values()} == {0}
    assert compiled.data.data_ptr() % 64 == 0


@pytest.mark.parametrize(
    "damage",
    [
        lambda data: data[:-64],
        lambda data: data[:100],
        lambda data: b"",
        lambda data: data + b"\0" * 64,
        lambda data: data[:-100] + bytes([data[-100] ^ 1]) + data[-99:],
        lambda data: b"\x80\x04" + data[2:],
        lambda data: corpus.good(),
    ],
    ids=["cut off", "header only", "empty", "longer", "one bit", "first bytes", "another file"],
)
def test_a_damaged_one_is_made_anew(
    cache: Cache, inspector: Inspector, make: Make, tmp_path: Path, damage: Callable[[bytes], bytes]
) -> None:
    file, sha256 = make()
    whole = cache.compile(file, sha256).data.clone()
    compiled = only_file(tmp_path)
    data = compiled.read_bytes()
    compiled.unlink()
    compiled.write_bytes(damage(data))
    fresh = Cache(tmp_path / "cache", 100, inspector, torch.float32)
    assert fresh.find(sha256) is None
    assert torch.equal(fresh.compile(file, sha256).data, whole)
    assert only_file(tmp_path).read_bytes() == data


def test_one_of_another_model_or_style_is_never_taken(
    cache: Cache, inspector: Inspector, make: Make, tmp_path: Path
) -> None:
    (file, sha256), (other_file, other) = make(0), make(1)
    cache.compile(file, sha256)
    smaller = Inspector({m: s for m, s in inspector.shapes.items() if not m.startswith("context_refiner")})
    for foreign in (
        Cache(tmp_path / "cache", 100, smaller, torch.float32),
        Cache(tmp_path / "cache", 100, inspector, torch.bfloat16),
    ):
        assert foreign.find(sha256) is None
        renamed = tmp_path / "cache" / f"{sha256}-{foreign.fingerprint}.safetensors"
        renamed.write_bytes((tmp_path / "cache" / f"{sha256}-{cache.fingerprint}.safetensors").read_bytes())
        assert foreign.find(sha256) is None
        assert not renamed.exists()
    (tmp_path / "cache" / f"{sha256}-{cache.fingerprint}.safetensors").rename(
        tmp_path / "cache" / f"{other}-{cache.fingerprint}.safetensors"
    )
    assert cache.find(other) is None
    assert not same(cache.compile(other_file, other), cache.compile(file, sha256))


def test_above_the_cap_the_one_not_used_longest_goes_first(inspector: Inspector, make: Make, tmp_path: Path) -> None:
    styles = [make(seed) for seed in range(4)]
    size = Cache(None, 0, inspector, torch.float32).compile(*styles[0]).nbytes
    cache = Cache(tmp_path / "cache", 0, inspector, torch.float32)
    cache._most_bytes = int(size * 3.5)
    for k, style in enumerate(styles[:3]):
        cache.compile(*style)
        os.utime(tmp_path / "cache" / f"{style[1]}-{cache.fingerprint}.safetensors", (1000 + k, 1000))
    assert cache.find(styles[0][1]) is not None  # used now, so the second is the oldest
    cache.compile(*styles[3])
    assert [cache.find(sha256) is not None for _, sha256 in styles] == [True, False, True, True]


def test_the_newest_stays_whatever_the_cap(inspector: Inspector, make: Make, tmp_path: Path) -> None:
    cache = Cache(tmp_path / "cache", 0, inspector, torch.float32)
    for seed in range(3):
        file, sha256 = make(seed)
        cache.compile(file, sha256)
        assert only_file(tmp_path).name.startswith(sha256)


def test_a_style_in_use_outlives_its_file(cache: Cache, make: Make, tmp_path: Path) -> None:
    compiled = cache.compile(*make())
    before = compiled.data.sum()
    only_file(tmp_path).unlink()
    assert compiled.data.sum() == before


def test_a_folder_that_cannot_be_written_to_is_no_error(inspector: Inspector, make: Make, tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("not a folder")
    cache = Cache(tmp_path / "cache", 100, inspector, torch.float32)
    file, sha256 = make()
    assert same(cache.compile(file, sha256), Cache(None, 0, inspector, torch.float32).compile(file, sha256))


def test_a_file_that_is_not_what_was_asked_for_is_refused(cache: Cache, make: Make, tmp_path: Path) -> None:
    file, _ = make()
    with pytest.raises(UserError, match="was changed"):
        cache.compile(file, "0" * 64)
    assert not (tmp_path / "cache").exists()


def test_a_number_too_large_for_the_models_dtype_is_refused(inspector: Inspector, tmp_path: Path) -> None:
    file = tmp_path / "s.safetensors"
    file.write_bytes(corpus.packed(corpus.pair() | {corpus.UP: corpus.zeros(256, 4, dtype="F64", value=1e300)}))
    report = inspector.inspect(file)
    assert report.problem is None
    with pytest.raises(UserError, match="not numbers"):
        Cache(None, 0, inspector, torch.float32).compile(file, report.sha256)


COMPILE = """
import sys, torch
from pathlib import Path
from core.config import load
from pipeline.describe import describe
from pipeline.lora.cache import Cache
from pipeline.lora.tools import inspector
cache = Cache(Path(sys.argv[2]), 100, inspector(describe(load().model.path)), torch.float32)
print(int(cache.compile(Path(sys.argv[1]), sys.argv[3]).data.sum()))
"""


def test_two_processes_may_compile_the_same_style_at_once(cache: Cache, make: Make, tmp_path: Path) -> None:
    file, sha256 = make()
    command = [sys.executable, "-c", COMPILE, str(file), str(tmp_path / "cache"), sha256]
    running = [subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    sums = {process.communicate()[0] for process in running}
    assert [process.returncode for process in running] == [0, 0]
    assert sums == {f"{int(cache.compile(file, sha256).data.sum())}\n"}
    assert only_file(tmp_path).name == f"{sha256}-{cache.fingerprint}.safetensors"

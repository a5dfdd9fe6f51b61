"""`python -m studio history` on a studio's folder: the real model, a real database, no server."""

import json
import os
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from core.config import Config, ModelConfig, PathsConfig
from core.request import GenerationRequest
from studio.__main__ import main
from studio.build import build

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def config(tmp_path: Path, data_folder: Path, demo_model: Path, demo_styles: Path) -> Path:
    file = tmp_path / "config.toml"
    paths = f'[paths]\ndata = "{data_folder}"\nlora = "{demo_styles}"\nlora_cache = "{tmp_path / "cache"}"\n'
    file.write_text(f'[model]\npath = "{demo_model}"\ndevice = "cpu"\n{paths}')
    return file


@pytest.fixture
def run(config: Path, capsys: pytest.CaptureFixture[str]) -> Run:
    def run(*arguments: str) -> tuple[int, str, str]:
        status = main(["history", *arguments, "--config", str(config)])
        return status, *capsys.readouterr()

    return run


def at_once(task: Callable[[], object]) -> None:
    task()


def drawn(data_folder: Path, demo_model: Path, tmp_path: Path, owners: tuple[str, ...]) -> list[str]:
    paths = PathsConfig(tmp_path, tmp_path / "cache", data_folder)
    studio = build(Config(model=ModelConfig(str(demo_model), "cpu"), paths=paths), do=at_once)
    ids = [
        studio.jobs.submit(owner, GenerationRequest(f"a red house {n}", 128, 128, n, 1))
        for n, owner in enumerate(owners)
    ]
    studio.worker.draw_waiting()
    studio.stop()
    return ids


def test_what_was_drawn_is_listed_shown_verified_and_taken_out(
    run: Run, data_folder: Path, demo_model: Path, tmp_path: Path
) -> None:
    one, two = drawn(data_folder, demo_model, tmp_path, ("ann", "ann"))
    status, out, _ = run("list", "red", "--json")
    assert (status, [json.loads(line)["id"] for line in out.splitlines()]) == (0, [two, one])
    assert run("list", "blue")[:2] == (0, "")
    shown = json.loads(run("show", one)[1])
    assert shown["request"]["seed"] == 0
    assert {"torch", "diffusers", "device", "dtype", "threads", "studio"} <= set(shown["environment"])
    assert (shown["model_hash"], len(shown["model_hash"])) == (json.loads(run("show", two)[1])["model_hash"], 64)
    status, out, _ = run("verify", one, two)
    assert (status, out) == (0, "".join(f"{i}  identical, pixel for pixel\n" for i in (one, two)))
    assert run("export", str(tmp_path / "all.zip"))[0] == 0
    with zipfile.ZipFile(tmp_path / "all.zip") as archive:
        assert len(archive.namelist()) == 4
    assert run("export", str(tmp_path / "all.jsonl"))[0] == 0
    assert run("import", str(tmp_path / "all.jsonl"))[:2] == (0, "0 new records\n")
    assert run("import", str(tmp_path / "all.jsonl"), "--owner", "bob")[:2] == (0, "2 new records\n")
    status, out, err = run("list")
    assert status == 1
    assert "Say whose with --owner: ann (2), bob (2)" in err
    assert json.loads(run("check", "--json", "--deep")[1])["missing"] == []


def test_a_check_names_what_is_wrong_and_deletes_only_when_told(run: Run, data_folder: Path) -> None:
    pictures = data_folder / "pictures"
    assert run("check")[0] == 0
    (pictures / "stranger.png").write_bytes(b"x")
    os.utime(pictures / "stranger.png", (0, 0))
    assert run("check") == (1, "0 pictures, 0.0 MB\nno record  stranger.png\n", "")
    assert run("check", "--delete-orphans")[0] == 0
    assert list(pictures.iterdir()) == []


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("show", "nosuch"), "There is no record nosuch."),
        (("verify", "nosuch"), "There is no such picture any more."),
        (("export", "x.tar"), "ends neither in .zip nor in .jsonl"),
        (("export", "/nowhere/x.zip"), "cannot be written"),
        (("import", "/nowhere/x.jsonl"), "cannot be read"),
    ],
)
def test_what_cannot_be_done_is_told_in_a_sentence(run: Run, arguments: tuple[str, ...], says: str) -> None:
    status, out, err = run(*arguments)
    assert (status, out) == (1, "")
    assert says in err and "Traceback" not in err


def test_a_bad_line_is_named_and_the_exit_status_tells(run: Run, tmp_path: Path) -> None:
    (tmp_path / "bad.jsonl").write_text("{}\n")
    status, out, _ = run("import", str(tmp_path / "bad.jsonl"), "--json")
    assert (status, [line["line"] for line in json.loads(out)["skipped"]]) == (1, [1])

"""`python -m studio`: what is wrong is said in a sentence on stderr, before anything heavy is loaded."""

import http.server
import json
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from PIL import Image

from core import __version__
from core.config import ROOT

Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def config(tmp_path: Path, demo_model: Path, demo_styles: Path) -> Path:
    """Settings with the real model, and a data folder of this test's own."""
    return write_config(tmp_path, model=demo_model, lora=demo_styles)


def write_config(folder: Path, model: object, lora: Path, port: int = 1, data: object = None) -> Path:
    file = folder / "my.toml"
    file.write_text(
        f'[model]\npath = "{model}"\ndevice = "cpu"\n'
        f'[paths]\nlora = "{lora}"\nlora_cache = "{folder}/cache"\ndata = "{data or folder / "data"}"\n'
        f"[server]\nport = {port}\n",
        "utf-8",
    )
    return file


@pytest.fixture
def studio(tmp_path: Path, config: Path) -> Run:
    """Run a command from another folder than the checkout, as a user would."""

    def run(*arguments: str | bytes, cwd: Path = tmp_path, **environment: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-P", "-m", "studio", *arguments],
            cwd=cwd,
            env={**os.environ, "PYTHONPATH": str(ROOT), **environment},
            capture_output=True,
            text=True,
            timeout=300,
        )

    return run


def refused(result: subprocess.CompletedProcess[str], says: str) -> None:
    assert result.returncode != 0
    assert says in result.stderr
    assert "Traceback" not in result.stderr
    assert result.stdout == ""


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ([""], "The prompt is empty. Say in a few words"),
        (["  \t "], "The prompt is empty"),
        (["a" * 100_000], "The prompt has 100000 characters; 4000 is the most"),
        (["a\x1b[2Jhouse"], "characters that cannot be read as text"),
        ([b"a \xed\xa0\xbc house"], "characters that cannot be read as text"),
        (["x", "--size", "100x128"], "100 pixels is not a multiple of"),
        (["x", "--size", "0x0"], "Width has to be a number from 1 to 8192."),
        (["x", "--size", "20000x128"], "Width has to be a number"),
        (["x", "--size", "big"], "'big' is not a size; write it as 128x128"),
        (["x", "--size", "128x"], "'128x' is not a size"),
        (["x", "--steps", "0"], "Steps has to be a number from 1 to 100."),
        (["x", "--steps", "many"], "invalid int value: 'many'"),
        (["x", "--seed", "-1"], "Seed has to be a number from 0"),
        (["x", "--seed", str(2**70)], "Seed has to be a number from 0"),
        (["x", "--guidance", "nan"], "Guidance has to be a number from 0 to 20."),
        (["x", "--style", "vangogh"], 'There is no style "vangogh". There are: '),
        (["x", "--style", "sketch:9"], "Style strength has to be a number from -2 to 2."),
        (["x", "--style", "sketch:strong"], "'strong' is not a strength; write NAME:0.8, or NAME alone"),
        (["x", "--style", "../../etc/passwd"], "not the name of a style"),
        (["x", "--colour", "red"], "unrecognized arguments: --colour red"),
        ([], "the following arguments are required: prompt"),
    ],
)
def test_a_picture_that_cannot_be_is_refused_in_a_sentence_and_leaves_nothing(
    studio: Run, config: Path, tmp_path: Path, arguments: list[str | bytes], says: str
) -> None:
    refused(studio("draw", *arguments, "-o", str(tmp_path / "out.png"), "--config", str(config)), says)
    assert [f.name for f in tmp_path.iterdir()] == ["my.toml"]


@pytest.mark.parametrize(
    ("output", "says"),
    [
        ("out.jpg", "out.jpg does not end in .png"),
        ("out", "out does not end in .png"),
        ("gone/out.png", "There is no folder gone. Make it first."),
        ("folder.png", "folder.png is a folder. Name a file in it."),
        ("my.toml/out.png", "There is no folder my.toml. Make it first."),
        ("/proc/out.png", "/proc/out.png cannot be written: "),
        ("x" * 300 + ".png", "cannot be written: File name too long"),
        ("a\x00.png".replace("\x00", "\udcff"), "There is no style"),
    ],
)
def test_an_output_that_cannot_be_written_is_refused_before_the_model_is_loaded(
    studio: Run, config: Path, tmp_path: Path, output: str, says: str
) -> None:
    (tmp_path / "folder.png").mkdir()
    style = ["--style", "none"] if "style" in says else []  # a name that is odd but can be written gets this far
    refused(studio("draw", "a house", "-o", output, "--config", str(config), *style), says)
    assert sorted(f.name for f in tmp_path.iterdir()) == ["folder.png", "my.toml"]


def test_a_model_that_cannot_be_described_is_refused_with_what_to_change(
    studio: Run, tmp_path: Path, demo_model: Path, demo_styles: Path
) -> None:
    broken = tmp_path / "broken"
    shutil.copytree(demo_model, broken, ignore=shutil.ignore_patterns("*.safetensors"))

    def refused_as(model: object, says: str) -> None:
        config = write_config(tmp_path, model, demo_styles)
        result = studio("draw", "a house", "-o", "out.png", "--config", str(config))
        refused(result, says)
        assert "[model] path" in result.stderr

    refused_as("/gone/model", "There is no model folder /gone/model.")
    refused_as(
        "nobody/no-such-model", "There is no model folder nobody/no-such-model, and the hub could not be reached"
    )
    index = json.loads((broken / "model_index.json").read_text("utf-8"))
    (broken / "model_index.json").write_text(json.dumps({**index, "_class_name": "FluxPipeline"}), "utf-8")
    refused_as(broken, "is a FluxPipeline; this studio draws with Z-Image models.")
    (broken / "model_index.json").write_text("{", "utf-8")
    refused_as(broken, "is incomplete or damaged (model_index.json")
    assert not (tmp_path / "out.png").exists()


def test_weights_that_are_cut_off_are_refused_in_a_sentence_and_the_log_has_the_rest(
    studio: Run, tmp_path: Path, demo_model: Path, demo_styles: Path
) -> None:
    broken = tmp_path / "broken"
    shutil.copytree(demo_model, broken)
    weights = next((broken / "transformer").glob("*.safetensors"))
    weights.write_bytes(weights.read_bytes()[:-1000])
    config = write_config(tmp_path, broken, demo_styles)
    result = studio("draw", "a house", "-o", "out.png", "--config", str(config))
    refused(result, "The model's transformer cannot be used")
    assert not (tmp_path / "out.png").exists()
    assert "Traceback" in (tmp_path / "data" / "studio.log").read_text("utf-8")


@pytest.mark.parametrize("command", [["draw", "a house", "-o", "out.png"], ["doctor"]])
def test_every_command_takes_a_configuration_and_says_what_is_wrong_with_it(
    studio: Run, tmp_path: Path, command: list[str]
) -> None:
    refused(studio(*command, "--config", "gone.toml"), "There is no configuration file gone.toml.")
    (tmp_path / "bad.toml").write_text("[modle]\n", "utf-8")
    refused(studio(*command, "--config", "bad.toml"), "there is no setting modle. Did you mean model?")


def test_no_command_and_a_wrong_one_are_answered_with_those_there_are(studio: Run) -> None:
    refused(studio(), "usage: python -m studio")
    refused(studio("paint"), "'draw', 'photo', 'upscale', 'doctor'")


def test_the_version_is_told(studio: Run) -> None:
    assert studio("--version").stdout == f"Jimeng Studio {__version__}\n"


def test_a_picture_is_drawn_as_asked_from_any_folder_and_told_with_its_seed(
    studio: Run, config: Path, tmp_path: Path
) -> None:
    (tmp_path / "a b").mkdir()
    arguments = ["draw", "a red house", "--style", "sketch:0.8", "--size", "160×96", "--steps", "2"]
    result = studio(*arguments, "-o", "out 1.png", "--config", str(config), cwd=tmp_path / "a b")
    assert (result.returncode, result.stderr) == (0, "")
    seed = result.stdout.split()[-1]
    assert result.stdout == f"out 1.png  160x96  2 steps  seed {seed}\n"
    again = studio(*arguments, "-o", "again.png", "--seed", seed, "--config", str(config), cwd=tmp_path / "a b")
    assert again.returncode == 0
    assert sorted(f.name for f in (tmp_path / "a b").iterdir()) == ["again.png", "out 1.png"]
    with Image.open(tmp_path / "a b" / "out 1.png") as image, Image.open(tmp_path / "a b" / "again.png") as same:
        assert (image.format, image.size) == ("PNG", (160, 96))
        assert image.tobytes() == same.tobytes()
    assert not (tmp_path / "data").exists()


def test_the_doctor_finds_the_demo_well(studio: Run, config: Path) -> None:
    result = studio("doctor", "--config", str(config))
    assert result.returncode == 0, result.stdout
    assert all(line.startswith("ok ") for line in result.stdout.splitlines())
    told = {line.split()[1] for line in result.stdout.splitlines()}
    assert told >= {"Python", "torch", "device", "bf16", "dtype", "model", "weights", "styles"}
    assert told >= {"memory", "disk", "data", "port"}
    assert result.stderr == ""


def test_the_doctor_names_everything_that_is_wrong_and_what_to_do(
    studio: Run, tmp_path: Path, demo_model: Path
) -> None:
    (tmp_path / "lora").mkdir()
    (tmp_path / "lora" / "broken.safetensors").write_bytes(b"no")
    with answering(b'{"other": "program"}') as port:
        file = write_config(tmp_path, demo_model, tmp_path / "lora", port, data=tmp_path / "my.toml" / "data")
        result = studio("doctor", "--config", str(file))
    assert result.returncode == 1
    failed = {line.split()[1]: line for line in result.stdout.splitlines() if line.startswith("FAIL ")}
    assert failed.keys() == {"style", "data", "port"}
    assert 'The style "broken" is damaged' in failed["style"]
    assert "set another folder as [paths] data" in failed["data"]
    assert f"{port} is used by another program. Stop it, or change [server] port" in failed["port"]


def test_the_doctor_goes_on_past_a_model_that_is_not_there(studio: Run, tmp_path: Path) -> None:
    with answering(b'{"status": "ready", "model": "x", "version": "y"}') as port:
        file = write_config(tmp_path, "/gone/model", tmp_path / "lora", port)
        result = studio("doctor", "--config", str(file))
    assert result.returncode == 1
    failed = [line for line in result.stdout.splitlines() if line.startswith("FAIL ")]
    assert failed == ["FAIL model    There is no model folder /gone/model. Change [model] path in config.toml."]
    assert f"none yet. Put .safetensors files into {tmp_path / 'lora'}" in result.stdout
    assert "a studio is running there (ready)" in result.stdout


@contextmanager
def answering(body: bytes) -> Iterator[int]:
    """A web server that gives one answer to everything; yields its port."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield server.server_address[1]
        finally:
            server.shutdown()
            thread.join()

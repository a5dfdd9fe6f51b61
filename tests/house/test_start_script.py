"""start.sh sets up once, keeps what is there, repairs what was cut off, and says what is wrong.

The real set-up takes minutes and a network, so here Python is a small script that notes what it was asked to do; the
real one is what .ci/run goes through.
"""

import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
TOOLS = ("bash", "cat", "cksum", "awk", "sed", "cp", "rm", "touch", "mkdir", "dirname", "chmod", "env")

PYTHON = """#!/usr/bin/env bash
# What start.sh may ask of a Python. Behaviour is set by files in $STAGE.
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
case "$*" in
"-c import sys; sys.exit"*) [ ! -e "$STAGE/old" ] ;;
"-c import ensurepip, venv") [ ! -e "$STAGE/no-venv" ] ;;
"-c from importlib.util"*) [ ! -e "$STAGE/emptied" ] ;;
"-c from importlib.metadata"*) cat "$STAGE/torch" ;;
"-c import sysconfig"*) mkdir -p "$here/../site" && echo "$here/../site" ;;
"-c"*) true ;;
"--version") echo "Python 3.99" ;;
"-m venv --clear "*)
    echo venv >>"$STAGE/log"
    mkdir -p "$4/bin" && cp "${BASH_SOURCE[0]}" "$4/bin/python" ;;
"-m pip --version") true ;;
"-m pip install"*)
    echo pip >>"$STAGE/log"
    [ ! -e "$STAGE/no-network" ] ;;
"-") cat >/dev/null; if [ -e "$STAGE/torch" ]; then echo "$STAGE/site-packages"; fi ;;
"- "*) cat >/dev/null; echo "for $3" ;;
*) printf '<%s>' "$@" >>"$STAGE/log"; echo >>"$STAGE/log" ;;
esac
"""
DF = """#!/usr/bin/env bash
echo "Filesystem 1024-blocks Used Available"
echo "disk 99999999 1 $(cat "$STAGE/free-kb")"
"""

Start = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def stage(tmp_path: Path) -> Path:
    """Files here say how the machine behaves; `log` is what happened."""
    stage = tmp_path / "stage"
    stage.mkdir()
    (stage / "free-kb").write_text("9999999")
    return stage


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    folder = tmp_path / "my studio"
    folder.mkdir()
    for name in ("start.sh", "pyproject.toml", "constraints.txt"):
        shutil.copy(ROOT / name, folder)
    return folder


@pytest.fixture
def start(tmp_path: Path, stage: Path, checkout: Path) -> Start:
    tools = tmp_path / "bin"
    tools.mkdir()
    for name in TOOLS:
        (tools / name).symlink_to(str(shutil.which(name)))
    for name, script in (("python3", PYTHON), ("df", DF)):
        (tools / name).write_text(script)
        (tools / name).chmod(0o755)

    def start(*arguments: str) -> subprocess.CompletedProcess[str]:
        (stage / "log").unlink(missing_ok=True)
        (stage / "log").touch()
        return subprocess.run(
            [str(checkout / "start.sh"), *arguments],
            cwd=tmp_path,
            env={"PATH": str(tools), "STAGE": str(stage), "HOME": str(tmp_path)},
            capture_output=True,
            text=True,
            timeout=60,
        )

    return start


def happened(stage: Path) -> list[str]:
    return (stage / "log").read_text().splitlines()


def test_the_first_start_sets_up_and_the_next_ones_only_start(start: Start, stage: Path, checkout: Path) -> None:
    assert start().returncode == 0
    assert happened(stage) == ["venv", "pip", f"<{checkout}/app.py>"]
    again = start("--port", "9000", "--config", "a b.toml")
    assert happened(stage) == [f"<{checkout}/app.py><--port><9000><--config><a b.toml>"]
    assert again.stderr == ""


def test_the_tests_need_more_and_after_them_a_start_needs_nothing(start: Start, stage: Path, checkout: Path) -> None:
    start()
    start("test", "-k", "a or b")
    assert happened(stage) == ["pip", "<-m><pytest><-k><a or b>"]
    assert "for test" in (checkout / ".venv" / "jimeng-requirements.txt").read_text()
    start("test")
    start()
    assert happened(stage) == [f"<{checkout}/app.py>"]


def test_commands_go_to_the_command_line_as_they_are(start: Start, stage: Path) -> None:
    start("draw", "a red house", "-o", "out.png")
    assert happened(stage)[-1] == "<-P><-m><studio><draw><a red house><-o><out.png>"
    start("doctor")
    assert happened(stage) == ["<-P><-m><studio><doctor>"]


def test_a_change_of_what_is_needed_is_installed(start: Start, stage: Path, checkout: Path) -> None:
    for name in ("constraints.txt", "pyproject.toml"):
        start()
        with (checkout / name).open("a") as file:
            file.write("# newer\n")
        start()
        assert happened(stage) == ["pip", f"<{checkout}/app.py>"]


def test_a_set_up_that_was_cut_off_is_finished_by_the_next_run(start: Start, stage: Path, checkout: Path) -> None:
    (stage / "no-network").touch()
    result = start()
    assert result.returncode == 1
    assert "Installing failed" in result.stderr
    assert "If the network is missing or was cut, connect and run this again" in result.stderr
    assert happened(stage) == ["venv", "pip"]
    half = checkout / ".venv" / "lib" / "python3.99" / "site-packages" / "half-1.0.dist-info"
    half.mkdir(parents=True)
    whole = half.with_name("whole-1.0.dist-info")
    whole.mkdir()
    (whole / "RECORD").touch()
    (stage / "no-network").unlink()
    assert start().returncode == 0
    assert happened(stage) == ["pip", f"<{checkout}/app.py>"]
    assert not half.exists()
    assert whole.exists()


def test_a_set_up_that_was_damaged_since_is_repaired(start: Start, stage: Path, checkout: Path) -> None:
    start()
    (stage / "emptied").touch()
    start()
    assert happened(stage) == ["pip", f"<{checkout}/app.py>"]
    (stage / "emptied").unlink()
    (checkout / ".venv" / "bin" / "python").unlink()  # as after an update of the system's Python
    start()
    assert happened(stage) == ["venv", "pip", f"<{checkout}/app.py>"]


def test_a_torch_that_is_there_is_kept_at_its_version(start: Start, stage: Path, checkout: Path) -> None:
    start()
    assert "torch==2.13.0\n" in (checkout / ".venv" / "jimeng-constraints.txt").read_text()
    shutil.rmtree(checkout / ".venv")
    (stage / "torch").write_text("2.9.1+cu128")
    result = start()
    kept = (checkout / ".venv" / "jimeng-constraints.txt").read_text()
    assert "\ntorch==2.9.1+cu128\n" in kept
    assert "torch==2.13.0" not in kept
    assert "keeping torch 2.9.1+cu128" in result.stderr
    assert (checkout / ".venv" / "site" / "jimeng-torch.pth").read_text() == f"{stage}/site-packages\n"


@pytest.mark.parametrize(
    ("trouble", "says"),
    [
        ("old", "Python 3.11 or newer is needed, and there is none on this machine. Install it from python.org"),
        ("no-venv", "python3 has no venv module. On Debian and Ubuntu: sudo apt install python3-venv."),
    ],
)
def test_a_python_that_will_not_do_is_told_with_what_to_do(
    start: Start, stage: Path, checkout: Path, trouble: str, says: str
) -> None:
    (stage / trouble).touch()
    result = start()
    assert result.returncode == 1
    assert says in result.stderr
    assert not (checkout / ".venv").exists()


def test_a_machine_without_python_is_told_what_to_install(start: Start, tmp_path: Path, checkout: Path) -> None:
    (tmp_path / "bin" / "python3").unlink()
    result = start("test")
    assert result.returncode == 1
    assert "Python 3.11 or newer is needed, and there is none on this machine." in result.stderr
    assert not (checkout / ".venv").exists()


def test_an_own_venv_of_an_old_python_is_not_deleted_but_named(start: Start, stage: Path, checkout: Path) -> None:
    start()
    (stage / "old").touch()
    (checkout / "constraints.txt").write_text("")
    result = start()
    assert result.returncode == 1
    assert "The Python in .venv is older than 3.11. Delete the folder .venv" in result.stderr
    assert (checkout / ".venv" / "bin" / "python").exists()


def test_too_little_disk_is_told_before_anything_is_fetched(start: Start, stage: Path) -> None:
    (stage / "free-kb").write_text("1000000")
    result = start()
    assert result.returncode == 1
    assert "The set-up needs about 2500 MB" in result.stderr
    assert "976 MB are free" in result.stderr
    assert happened(stage) == ["venv"]


def test_help_and_a_wrong_command_make_nothing(start: Start, stage: Path, checkout: Path) -> None:
    assert "./start.sh test" in start("--help").stdout
    wrong = start("trian")
    assert wrong.returncode == 1
    assert 'There is no command "trian".' in wrong.stderr
    assert happened(stage) == []
    assert not (checkout / ".venv").exists()


@pytest.mark.skipif(shutil.which("shellcheck") is None, reason="shellcheck is not installed")
def test_the_scripts_pass_shellcheck() -> None:
    subprocess.run(["shellcheck", "start.sh", ".ci/run"], cwd=ROOT, check=True)


def test_the_scripts_can_be_run() -> None:
    for name in ("start.sh", ".ci/run"):
        assert os.access(ROOT / name, os.X_OK), name

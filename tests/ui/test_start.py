"""`python app.py` when it cannot start: a message that says what to do, status 1, no traceback."""

import socket
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def start(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "app.py", *arguments], cwd=ROOT, capture_output=True, text=True, timeout=120, check=False
    )


def refuses(says: str, *arguments: str) -> None:
    ended = start(*arguments)
    assert ended.returncode == 1
    assert says in ended.stderr and "Traceback" not in ended.stderr
    assert ended.stdout == ""


@pytest.fixture
def settings(tmp_path: Path) -> Path:
    file = tmp_path / "config.toml"
    file.write_text(f'[paths]\ndata = "{(tmp_path / "data").as_posix()}"\n')
    return file


def test_a_used_port_is_named_with_another_to_choose(settings, tmp_path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        refuses(f"Port {port} is in use already.", "--config", str(settings), "--port", str(port))
    assert not (tmp_path / "data").exists()  # nothing was made for a studio that did not start


def test_a_missing_configuration_file_is_named(tmp_path):
    refuses("There is no configuration file", "--config", str(tmp_path / "none.toml"))


def test_an_unknown_streamlit_setting_is_named(settings):
    settings.write_text(settings.read_text() + "[server]\nprot = 1\n")
    refuses("Did you mean server.port?", "--config", str(settings))


def test_a_data_folder_that_cannot_be_written_to_is_named(tmp_path):
    (tmp_path / "file").write_text("")
    file = tmp_path / "config.toml"
    file.write_text(f'[paths]\ndata = "{(tmp_path / "file").as_posix()}"\n[server]\nport = {free_port()}\n')
    refuses("Pictures cannot be saved in", "--config", str(file))


def test_a_damaged_key_is_named_and_kept(settings, tmp_path):
    (tmp_path / "data").mkdir()
    key = tmp_path / "data" / "secret.key"
    key.write_bytes(b"short")
    refuses("is damaged. Delete it", "--config", str(settings), "--port", str(free_port()))
    assert key.read_bytes() == b"short"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])

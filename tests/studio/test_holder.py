"""A process that is no more is told from one that lives, by what the system itself knows of it."""

import subprocess
import sys
from pathlib import Path

import pytest

from studio.holder import Holder

ROOT = Path(__file__).resolve().parents[2]
ME, OTHER = "a" * 32, "b" * 32
FAR_MS = 2**60
PROCESS = """
import sys
from pathlib import Path
from studio.holder import Holder
holder = Holder(Path(sys.argv[1]), sys.argv[2])
holder.at("job7")
print("here", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def holder(tmp_path: Path) -> Holder:
    return Holder(tmp_path, ME)


@pytest.fixture
def other(tmp_path: Path) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", PROCESS, str(tmp_path), OTHER]
    process = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "here\n"
    return process


def end(process: subprocess.Popen[str]) -> None:
    process.kill()
    process.communicate()


def test_a_process_that_lives_is_not_gone_whatever_the_clock_says(holder: Holder, other: subprocess.Popen[str]) -> None:
    assert not holder.is_gone(OTHER, lease_ms=0, now_ms=FAR_MS)
    end(other)


def test_a_process_that_was_killed_is_gone_at_once_and_what_it_was_at_is_known(
    holder: Holder, other: subprocess.Popen[str], tmp_path: Path
) -> None:
    end(other)
    assert holder.is_gone(OTHER, lease_ms=FAR_MS, now_ms=0)
    assert holder.was_at(OTHER) == "job7"
    holder.sweep()
    assert holder.was_at(OTHER) is None
    assert sorted(f.name for f in tmp_path.iterdir()) == [f"{ME}.job", f"{ME}.lock"]


def test_of_a_process_elsewhere_only_the_lease_can_tell(holder: Holder) -> None:
    assert not holder.is_gone("c" * 32, lease_ms=10, now_ms=10)
    assert holder.is_gone("c" * 32, lease_ms=10, now_ms=11)
    assert holder.was_at("c" * 32) is None


def test_a_name_that_is_none_leads_nowhere(holder: Holder) -> None:
    assert holder.is_gone("../../etc/passwd", lease_ms=FAR_MS, now_ms=0)


def test_sweeping_leaves_the_living_alone(holder: Holder, other: subprocess.Popen[str]) -> None:
    holder.at("mine")
    holder.sweep()
    assert (holder.was_at(OTHER), holder.was_at(ME)) == ("job7", "mine")
    end(other)


def test_an_end_in_good_order_leaves_nothing(holder: Holder, tmp_path: Path) -> None:
    holder.close()
    holder.close()
    assert list(tmp_path.iterdir()) == []

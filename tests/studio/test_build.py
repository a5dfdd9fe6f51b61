"""The engine is made where nobody waits, and as quickly as its libraries can be imported."""

import subprocess
import sys

from tests.conftest import ROOT

MAKE_TWICE = """
import gc
from core import config as settings
from pathlib import Path
from studio.build import describe, make_engine

config = settings.load(Path("config.toml"))
info = describe(config.model.path)
collections = []
gc.callbacks.append(lambda phase, _: collections.append(phase))
gc.collect(0)
collections.clear()
make_engine(config, info)
print(len(collections), gc.isenabled(), gc.get_freeze_count() > 100_000)
stays = gc.get_freeze_count()
make_engine(config, info)
print(gc.isenabled(), gc.get_freeze_count() == stays)
gc.disable()
make_engine(config, info)
print(gc.isenabled())
"""


def test_no_garbage_is_looked_for_while_the_engine_is_imported_and_all_that_comes_later_can_be_collected() -> None:
    found = subprocess.run([sys.executable, "-c", MAKE_TWICE], cwd=ROOT, capture_output=True, text=True, timeout=300)
    assert found.stdout.splitlines() == ["0 True True", "True True", "False"], found.stderr

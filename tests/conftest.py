"""What all tests share: no network, no telemetry, and the real demo model."""

import os

os.environ["HF_HUB_OFFLINE"] = "1"  # before anything imports huggingface_hub, which reads it once
os.environ["HF_HUB_DISABLE_TELEMETRY"] = "1"
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # as studio/build.py has it, for tests that import torch themselves

import shutil
from pathlib import Path

import pytest
from hypothesis import settings

from studio.store.database import FILE, open_database

ROOT = Path(__file__).resolve().parent.parent

# Two busy cores must not fail a property, and the same commit must give the same verdict.
settings.register_profile("house", deadline=None, derandomize=True, database=None)
settings.load_profile("house")


@pytest.fixture(scope="session")
def demo_model() -> Path:
    """The folder of the demo model, to be read and never written."""
    return ROOT / "demo" / "model"


@pytest.fixture(scope="session")
def demo_styles() -> Path:
    """The folder of the demo's styles, to be read and never written."""
    return ROOT / "lora"


@pytest.fixture(scope="session")
def _empty_database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("database")
    open_database("sqlite", folder).dispose()
    return folder / FILE


@pytest.fixture
def data_folder(tmp_path: Path, _empty_database: Path) -> Path:
    """A data folder as a studio has it that was started before; making the tables anew each time would take longer."""
    folder = tmp_path / "data"
    folder.mkdir(exist_ok=True)
    shutil.copy(_empty_database, folder / FILE)
    return folder

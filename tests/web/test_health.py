"""/health"""

import pytest

from core import __version__
from core.engine import EngineFacts, EngineStatus
from core.errors import UserError


@pytest.mark.parametrize("state", ["loading", "ready", "failed"])
def test_health_says_how_the_model_stands_with_its_name_and_our_version(browser, studio, state):
    studio.worker.status = EngineStatus(state, error=UserError("broken") if state == "failed" else None)
    answer = browser().get("/health")
    assert answer.status_code == 200 and answer.headers["cache-control"] == "no-store"
    assert answer.json() == {"status": state, "at_rest": False, "model": "test model", "version": __version__}


def test_a_studio_at_rest_is_as_ready_as_ever(browser, studio):
    studio.worker.status = EngineStatus("ready", 1.0)
    studio.worker.facts = EngineFacts("Some GPU", "bfloat16", at_rest=True)
    answer = browser().get("/health").json()
    assert (answer["status"], answer["at_rest"]) == ("ready", True)


def test_health_gives_nobody_an_owner(browser):
    assert "set-cookie" not in browser().get("/health").headers

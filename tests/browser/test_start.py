"""A studio whose model cannot be used still serves its page and says why."""

import pytest
from playwright.sync_api import expect

pytestmark = pytest.mark.browser


def test_a_missing_model_is_said_on_the_page_and_the_studio_goes_on(visit, serve, tmp_path):
    config = tmp_path / "config.toml"
    config.write_text(f'[model]\npath = "./no-such-model"\n[paths]\ndata = "{(tmp_path / "data").as_posix()}"\n')
    url = serve(config)
    studio = visit(url)
    assert studio.page.request.get(f"{url}/health").json()["status"] == "failed"
    problem = studio.page.locator(".st-key-problem")
    expect(problem).to_contain_text("There is no model folder")
    studio.ask("a red house")
    expect(problem).to_contain_text("There is no model folder")
    expect(studio.prompt).to_have_value("a red house")

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
    problem = studio.page.get_by_text("There is no model folder").filter(visible=True)
    expect(problem).to_have_count(1)
    studio.ask("a red house")
    expect(studio.page.locator(".st-key-problem")).to_contain_text("There is no model folder")
    expect(problem).to_have_count(1)  # told once
    expect(studio.prompt).to_have_value("a red house")

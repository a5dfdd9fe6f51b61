"""Memory is given back while nobody draws, and is there again before it is asked for: in a real browser."""

import io
import time

import pytest
from PIL import Image

pytestmark = pytest.mark.browser

IDLE_S = 5
GIVE_UP_S = 60


def wait_until(studio, url: str, at_rest: bool) -> None:
    give_up = time.monotonic() + GIVE_UP_S
    while studio.page.request.get(f"{url}/health").json()["at_rest"] is not at_rest:
        assert time.monotonic() < give_up, f"at_rest did not become {at_rest}"
        time.sleep(0.05)  # between two looks


def test_a_studio_at_rest_wakes_when_somebody_comes_and_draws_the_same_picture(
    serve, visit, tmp_path, demo_model, demo_styles
):
    config = tmp_path / "config.toml"
    config.write_text(
        f'[model]\npath = "{demo_model.as_posix()}"\n[memory]\nidle_release_s = {IDLE_S}\n'
        f'[paths]\ndata = "{(tmp_path / "data").as_posix()}"\nlora = "{demo_styles.as_posix()}"\n'
        f'lora_cache = "{(tmp_path / "cache").as_posix()}"\n',
        "utf-8",
    )
    url = serve(config)
    studio = visit(url)
    studio.set_number("Seed", 7)
    first = studio.draw("a red house")
    wait_until(studio, url, at_rest=True)
    studio.page.reload()  # somebody comes: before anything is asked for
    studio.opened()
    wait_until(studio, url, at_rest=False)
    wait_until(studio, url, at_rest=True)
    studio.set_number("Seed", 7)
    second = studio.draw("a red house", old=first)
    files = [studio.page.request.get(f"{url}/app/static/img/{each}").body() for each in (first, second)]
    one, other = (Image.open(io.BytesIO(file)).tobytes() for file in files)  # the files also tell when
    assert one == other

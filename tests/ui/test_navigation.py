"""From page to page within one session."""

from streamlit.testing.v1 import AppTest
from streamlit.util import calc_hash

from ui import navigation


def go(page: AppTest, address: str) -> AppTest:
    page._page_hash = calc_hash(address)  # pages are functions here, and AppTest switches between files only
    return page.run()


def test_every_page_opens_and_says_where_it_is(page):
    test = page()
    for address, name, _ in navigation.PAGES:
        assert not go(test, address).exception
        here = [html.proto.body for html in test.get("html") if html.proto.body.startswith("<span aria-current")]
        assert here == [f'<span aria-current="page">{name}</span>']


def test_choices_survive_other_pages(page):
    test = page()
    test.text_area(key="config.prompt").set_value("a red house")
    test.number_input(key="config.num_inference_steps").set_value(12)
    test.button_group(key="config.aspect").set_value("5:3")
    test.number_input(key="config.seed").set_value(77)
    test.button(key="generate").click().run()
    keys = [f"config.{name}" for name in ("prompt", "num_inference_steps", "aspect", "seed", "keep_seed")]
    before = [test.session_state[key] for key in keys]
    go(go(test, "styles"), "status")
    go(go(test, "status"), "studio")
    assert [test.session_state[key] for key in keys] == before
    assert test.text_area(key="config.prompt").value == "a red house"
    assert test.number_input(key="config.num_inference_steps").value == 12

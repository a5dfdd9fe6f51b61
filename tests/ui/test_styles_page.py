"""The Styles page without a browser: what is done to a style, and comparisons click by click."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from core.engine import EngineStatus
from core.errors import UserError
from core.request import StyleUse
from ui import i18n, navigation, state, style_library, style_picker, style_wall


@pytest.fixture
def session(page: Callable[..., AppTest], monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """A session without a page around it."""
    page()  # puts the shared parts in place
    values: dict[str, Any] = {}
    monkeypatch.setattr(style_library.st, "session_state", values)
    monkeypatch.setattr(i18n, "language", lambda: "en")
    monkeypatch.setattr(state, "owner", lambda: "somebody")
    return values


def act(do: str, name: str = "sketch", **more: str) -> dict[str, Any]:
    """Click, and what the page says then."""
    style_library.act({"do": do, "name": name, **more})
    return style_library.library_data()


def names(data: dict[str, Any]) -> list[str]:
    return [style["name"] for style in data["styles"]]


# --- the cards ------------------------------------------------------------------------------------------------------


def test_a_style_is_renamed_and_stays_chosen(session):
    session[state.key("styles")] = (StyleUse("sketch", 0.5), StyleUse("cartoon"))
    assert names(act("rename", to="Pencil")) == ["cartoon", "Pencil"]
    assert session[state.key("styles")] == (StyleUse("Pencil", 0.5), StyleUse("cartoon"))


def test_what_cannot_be_is_said_and_the_next_click_takes_it_away(session):
    assert act("rename", to="cartoon")["problem"] == 'There is a style "cartoon" already. Choose another name.'
    assert "cannot have that name" in act("rename", to="../x")["problem"]
    assert "not there any more" in act("remove", "no such")["problem"]
    assert act("look")["problem"] == ""


def test_a_removed_style_can_be_brought_back_once(session):
    data = act("remove")
    assert (names(data), data["removed"]) == (["cartoon"], "sketch")
    data = act("undo")
    assert (names(data), data["removed"]) == (["cartoon", "sketch"], "")
    assert names(act("undo")) == ["cartoon", "sketch"]


def test_use_in_the_studio_chooses_the_style_and_goes_there(session):
    act("use")
    assert session[state.key("styles")] == (StyleUse("sketch"),)
    assert session[state.GO_TO] == "studio" and navigation.PAGES[0][0] == "studio"


@pytest.mark.parametrize(
    "order", [{}, {"do": None, "name": None}, {"do": "rename"}, {"do": "undo"}, {"do": "format c:"}]
)
def test_an_order_that_makes_no_sense_changes_nothing(session, order):
    style_library.act(order)
    assert names(style_library.library_data()) == ["cartoon", "sketch"]


def test_a_style_with_a_problem_is_shown_with_its_reason_and_not_offered_for_comparison(session, studio):
    why = UserError("The style {name} was made for another model.", name="sketch")
    studio.styles._unreadable[studio.styles.folder / "sketch.safetensors"] = why
    card = style_library.library_data()["styles"][1]
    assert (card["state"], card["problem"]) == ("unusable", "The style sketch was made for another model.")
    assert [style.name for style in style_picker.offered(studio.styles.list())] == ["cartoon"]


# --- comparisons ----------------------------------------------------------------------------------------------------


@pytest.fixture
def styles_page(page: Callable[..., AppTest], cookies, monkeypatch: pytest.MonkeyPatch) -> Callable[..., AppTest]:
    """The page with one of its views open."""
    cookies["owner"] = "somebody"
    monkeypatch.setattr(navigation, "PAGES", [page for page in navigation.PAGES if page[0] == "styles"])

    def open_page(view: str) -> AppTest:
        test = page()
        test.button_group(key="styles.view").set_value(view).run()
        assert not test.exception
        return test

    return open_page


def draw_all(test: AppTest, prompt: str = "a red house") -> AppTest:
    test.text_area(key="compare.prompt").set_value(prompt)
    next(b for b in test.button if b.label == "Draw them all").click().run()
    assert not test.exception
    return test


def requests(studio) -> list[Any]:
    return [job.request for job in reversed(studio.jobs.list("somebody"))]


def texts(test: AppTest) -> str:
    return "\n".join(text.value for text in test.text)


def test_the_wall_draws_every_style_and_none_on_one_seed(styles_page, studio):
    test = styles_page("wall")
    test.number_input(key="compare.seed").set_value(42)
    draw_all(test)
    drawn = requests(studio)
    assert [[use.name for use in r.styles] for r in drawn] == [[], ["cartoon"], ["sketch"]]
    assert {(r.seed, r.prompt) for r in drawn} == {(42, "a red house")}


def test_the_grid_draws_a_style_from_weak_to_strong(styles_page, studio):
    test = styles_page("grid")
    test.multiselect(key="compare.styles").set_value(["sketch"]).run()
    test.slider(key="compare.range").set_value((0.2, 1.0)).run()
    draw_all(test)
    drawn = requests(studio)
    assert [[(u.name, u.strength) for u in r.styles] for r in drawn] == [[("sketch", s)] for s in (0.2, 0.4, 0.6, 0.8)]


def test_checkpoints_of_one_run_are_drawn_in_their_order(styles_page, studio):
    for number in (10, 2):
        (studio.styles.folder / f"ink_epoch_{number}.safetensors").write_bytes(b"%d" % number)
    draw_all(styles_page("checkpoints"))
    drawn = requests(studio)
    assert [[use.name for use in r.styles] for r in drawn] == [["ink_epoch_2"], ["ink_epoch_10"]]


def test_with_nothing_to_compare_the_page_says_what_to_do(styles_page, studio):
    assert "ink-000002" in texts(styles_page("checkpoints"))
    for file in studio.styles.folder.iterdir():
        file.unlink()
    for view in ("wall", "grid"):
        assert "Add styles first" in texts(styles_page(view))


def test_what_cannot_be_drawn_is_said_where_it_was_asked(styles_page, studio):
    test = draw_all(styles_page("wall"), " ")
    assert "The prompt is empty" in texts(test) and not requests(studio)
    assert "The prompt is empty" not in texts(draw_all(test))
    studio.worker.status = EngineStatus("failed", error=UserError("The model is broken."))
    assert "The model is broken." in texts(draw_all(test))


def test_a_new_comparison_stops_the_one_before(styles_page, studio):
    draw_all(draw_all(styles_page("wall"), "one"), "two")
    states = {(job.request.prompt, job.state) for job in studio.jobs.list("somebody")}
    assert states == {("one", "cancelled"), ("two", "queued")}


def test_a_picture_becomes_its_styles_own_and_cancel_stops_the_rest(session, studio, draw, tmp_path: Path):
    from core.request import GenerationRequest
    from studio.compare import Cell, Comparison

    studio.styles.scan(), studio.styles.scan()
    request = GenerationRequest("a red house", 128, 128, 7)
    run = Comparison(request, (Cell("plain"), Cell("sketch", (StyleUse("sketch"),)), *[Cell("more")] * 9), "k")
    style_wall.begin("wall", run)
    run.advance(studio.jobs, studio.styles, "somebody")
    draw()
    run.advance(studio.jobs, studio.styles, "somebody")
    cells = style_wall.wall_data("wall")["cells"]
    assert [cell["keep"] for cell in cells[:3]] == ["", "offered", ""]
    for number in (0, 1, 99, -1, "1", None):
        style_wall.act("wall", {"do": "keep", "cell": number})
    assert studio.styles.get("sketch").thumbnail and not studio.styles.get("cartoon").thumbnail
    assert style_wall.wall_data("wall")["cells"][1]["keep"] == "kept"
    style_wall.act("wall", {"do": "cancel"})
    data = style_wall.wall_data("wall")
    assert data["progress"] == "Stopped after 4 of 11" and not data["active"]

"""The Studio page, click by click, without a browser."""

import json

from streamlit.testing.v1 import AppTest

from core.engine import EngineStatus
from core.errors import InternalError, UserError
from core.request import StyleUse


def submit(page: AppTest, prompt: str = "a red house") -> AppTest:
    page.text_area(key="config.prompt").set_value(prompt)
    return page.button(key="generate").click().run()


def choose(page: AppTest, *styles: StyleUse) -> None:
    page.session_state["config.styles"] = styles
    page.run()


def sent(page: AppTest, component: str) -> dict:
    """What the page sends to one of its components."""
    (found,) = [c for c in page.get("bidi_component") if c.proto.component_name == f"jimeng_{component}"]
    return json.loads(found.proto.json)


def texts(page: AppTest) -> str:
    """All that can be read in the page and in the line under the prompt."""
    status = sent(page, "status")
    live = [] if status["refused"] else [status["look"]["problem"]]
    return "\n".join([*(text.value for text in page.text), *live, status["look"]["status"]])


def result(page: AppTest):
    return page.session_state["result"]


def mine(page: AppTest, studio):
    return studio.jobs.list(page.session_state["owner"])


def test_two_sessions_share_neither_settings_nor_results(page, draw, studio):
    one, two = page(), page()
    choose(one, StyleUse("sketch", 0.5))
    one.number_input(key="config.num_inference_steps").set_value(20).run()
    submit(one)
    draw()
    one.run(), two.run()
    assert two.text_area(key="config.prompt").value == ""
    assert two.session_state["config.styles"] == ()
    assert two.number_input(key="config.num_inference_steps").value == 8
    assert result(one).shown and not result(two).shown and not result(two).jobs
    assert one.session_state["owner"] != two.session_state["owner"]
    picture = result(one).shown
    assert studio.jobs.snapshot(two.session_state["owner"], picture) is None


def test_a_request_says_what_the_widgets_say(page, studio):
    test = page()
    choose(test, StyleUse("cartoon", 0.75), StyleUse("sketch", -0.5))
    test.button_group(key="config.aspect").set_value("5:3").run()
    test.number_input(key="config.num_inference_steps").set_value(12).run()
    test.slider(key="config.guidance_scale").set_value(2.5).run()
    test.text_input(key="config.negative_prompt").set_value("fog").run()
    test.number_input(key="config.seed").set_value(77).run()
    submit(test, "a blue boat")
    (job,) = mine(test, studio)
    request = job.request
    assert (request.prompt, request.seed, request.width, request.height) == ("a blue boat", 77, 160, 96)
    assert (request.num_inference_steps, request.guidance_scale, request.negative_prompt) == (12, 2.5, "fog")
    assert [(s.name, s.strength) for s in request.styles] == [("cartoon", 0.75), ("sketch", -0.5)]
    assert all(s.sha256 for s in request.styles)


def test_a_negative_prompt_counts_only_with_guidance_and_is_kept_meanwhile(page, studio):
    test = page()
    test.slider(key="config.guidance_scale").set_value(2.0).run()
    test.text_input(key="config.negative_prompt").set_value("fog").run()
    test.slider(key="config.guidance_scale").set_value(0.0).run()
    submit(test)
    assert mine(test, studio)[0].request.negative_prompt == ""
    test.slider(key="config.guidance_scale").set_value(2.0).run()
    assert test.text_input(key="config.negative_prompt").value == "fog"


def test_each_picture_has_a_new_seed_unless_it_is_kept(page, studio):
    test = page()
    submit(test), submit(test)
    first, second = (job.request.seed for job in mine(test, studio))
    assert first != second
    test.toggle(key="config.keep_seed").set_value(True).run()
    kept = test.number_input(key="config.seed").value
    submit(test), submit(test)
    assert [job.request.seed for job in mine(test, studio)[:2]] == [kept, kept]


def test_a_seed_that_was_typed_or_rolled_is_kept(page, studio):
    test = page()
    test.number_input(key="config.seed").set_value(4711).run()
    assert test.toggle(key="config.keep_seed").value
    submit(test)
    assert mine(test, studio)[0].request.seed == 4711
    test.button(key="roll").click().run()
    rolled = test.number_input(key="config.seed").value
    submit(test)
    assert mine(test, studio)[0].request.seed == rolled != 4711


def test_four_pictures_have_four_following_seeds(page, studio):
    test = page()
    test.button_group(key="config.count").set_value("4").run()
    submit(test)
    seeds = [job.request.seed for job in mine(test, studio)]
    assert seeds == list(range(seeds[-1] + 3, seeds[-1] - 1, -1))


def test_a_double_click_is_one_picture(page, studio, monkeypatch):
    from ui import actions

    monkeypatch.setattr(actions, "DOUBLE_CLICK_S", 3600.0)
    test = page()
    submit(test), submit(test)
    assert len(mine(test, studio)) == 1
    submit(test, "something else")
    assert len(mine(test, studio)) == 2


def test_more_like_this_draws_the_same_settings_with_the_next_seed_each_time(page, draw, studio, monkeypatch):
    from ui import actions, state

    test = page()
    submit(test)
    draw()
    first = mine(test, studio)[0]
    made = state.Result([first.id])
    monkeypatch.setattr(state, "owner", lambda: test.session_state["owner"])
    monkeypatch.setattr(state, "result", lambda: made)
    actions.more_like(first.id)
    actions.more_like(first.id)
    second, third = (studio.jobs.snapshot(test.session_state["owner"], i).request for i in made.jobs[1:])
    assert (second.seed, third.seed) == (first.request.seed + 1, first.request.seed + 2)
    assert second.prompt == first.request.prompt and second.width == first.request.width


def test_an_example_fills_the_prompt_with_its_very_words(page, studio):
    test = page()
    test.button(key="example-0").click().run()
    assert test.text_area(key="config.prompt").value == "a *red* house"


def test_cancel_stops_what_waits_and_says_so(page, studio):
    test = submit(page())
    test.button(key="cancel").click().run()
    assert [job.state for job in mine(test, studio)] == ["cancelled"]
    assert "Cancelled" in texts(test)
    assert "cancel" not in [button.key for button in test.button]


def test_the_page_shows_the_finished_picture_and_how_long_it_took(page, draw, studio):
    test = submit(page())
    assert "Queued, number 1 in line" in texts(test)
    draw()
    test.run()
    assert result(test).shown == mine(test, studio)[0].id
    assert "Done in" in texts(test)


def test_a_known_browser_finds_its_latest_picture_and_its_waiting_job_again(page, draw, studio, cookies):
    cookies["owner"] = "somebody"
    before = submit(page())
    draw()
    submit(before, "a second one")
    after = page()
    ids = [job.id for job in reversed(mine(after, studio))]
    assert result(after).jobs == ids and result(after).shown == ids[0]
    assert "Queued, number 1 in line" in texts(after)
    cookies["owner"] = "somebody else"
    assert not result(page()).jobs


def test_the_results_of_a_session_are_ids_and_words_only(page, draw):
    test = submit(page())
    draw()
    test.run()
    found = result(test)
    assert all(isinstance(job, str) for job in found.jobs) and isinstance(found.shown, str)
    assert found.prompt == "a red house" and found.seed == test.session_state["config.seed"]


def test_the_page_says_which_model_is_loaded_and_what_it_knows(page):
    assert "test model" in texts(page()) and "It knows houses." in texts(page())


# --- what can go wrong ----------------------------------------------------------------------------------------------


def refused(page: AppTest, prompt: str, says: str, studio) -> None:
    submit(page, prompt)
    assert not page.exception
    assert says in texts(page)
    assert page.text_area(key="config.prompt").value == prompt  # nothing that was typed is lost
    assert not mine(page, studio)
    submit(page, "a red house")  # and the page goes on
    assert says not in texts(page) and len(mine(page, studio)) == 1


def test_an_empty_prompt_is_refused_in_the_users_words(page, studio):
    refused(page(), "", "The prompt is empty.", studio)


def test_a_prompt_of_white_space_is_refused(page, studio):
    refused(page(), " \n\t ", "The prompt is empty.", studio)


def test_a_prompt_of_100000_characters_is_refused_with_its_length(page, studio):
    refused(page(), "x" * 100_000, "100000 characters", studio)


def test_control_characters_are_refused(page, studio):
    refused(page(), "a red\x00house\x1b[31m", "cannot be read as text", studio)


def test_a_full_queue_is_refused_and_what_fitted_goes_on(page, studio):
    test = page()
    test.button_group(key="config.count").set_value("4").run()
    submit(test), submit(test)
    assert "5 of your pictures are waiting already" in texts(test)
    assert len(mine(test, studio)) == 5


def test_a_style_whose_file_is_gone_is_named_and_taken_from_the_list(page, studio):
    test = page()
    choose(test, StyleUse("sketch"))
    (studio.styles.folder / "sketch.safetensors").unlink()
    submit(test)
    assert not test.exception and 'no style "sketch"' in texts(test)
    assert test.session_state["config.styles"] == ()


def test_an_empty_or_missing_styles_folder_says_where_styles_go(page, studio):
    for file in studio.styles.folder.iterdir():
        file.unlink()
    test = page()
    assert not test.exception and "into lora/" in texts(test)
    studio.styles.folder.rmdir()
    assert not page().exception
    assert len(mine(submit(test), studio)) == 1


def test_a_job_that_failed_says_why_and_an_internal_one_gives_its_id(page, studio):
    test = submit(page())
    studio.jobs.fail(studio.jobs.next(True, 0), UserError("The style {name} is broken.", name="x"))
    assert "The style x is broken." in texts(test.run())
    submit(test)
    studio.jobs.fail(studio.jobs.next(True, 0), InternalError("abc123"))
    assert "abc123" in texts(test.run()) and not test.exception


def test_jobs_may_wait_while_the_model_loads(page, studio):
    studio.worker.status = EngineStatus("loading", 0.4)
    test = page()
    assert "The model is loading (40 %)" in texts(test)
    submit(test)
    assert "Queued · The model is loading (40 %)" in texts(test)


def test_a_model_that_cannot_be_used_says_why_and_keeps_the_form(page, studio):
    broken = UserError("There is no model folder {path}. Change [model] path in config.toml.", path="/nowhere")
    studio.worker.status = EngineStatus("failed", error=broken)
    test = page()
    assert "There is no model folder /nowhere." in texts(test)
    submit(test)
    assert "There is no model folder /nowhere." in texts(test) and not mine(test, studio)
    assert test.text_area(key="config.prompt").value == "a red house"

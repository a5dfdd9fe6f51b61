"""The Studio page, click by click, without a browser."""

from streamlit.testing.v1 import AppTest

from core.engine import EngineStatus
from core.errors import InternalError, OutOfMemory, UserError
from core.request import StyleUse
from tests.ui.shown import looked_at, sent, submit, texts


def choose(page: AppTest, *styles: StyleUse) -> None:
    page.session_state["config.styles"] = styles
    page.run()


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
    assert one.session_state["owner"] != two.session_state["owner"]
    (picture,) = looked_at(one)
    assert picture["prompt"] == "a red house" and not looked_at(two)
    assert studio.jobs.snapshot(two.session_state["owner"], picture["id"]) is None


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


def test_each_picture_has_a_new_seed_unless_it_is_kept(page, draw, studio):
    test = page()
    submit(test), submit(test)
    first, second = (job.request.seed for job in mine(test, studio))
    assert first != second
    draw()
    test.toggle(key="config.keep_seed").set_value(True).run()
    kept = test.number_input(key="config.seed").value
    submit(test)
    draw()
    submit(test)
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


def test_a_typed_seed_counts_before_the_browser_shows_it_as_kept(page, draw, studio):
    """A seed typed and Generate clicked at once: the click still says what the toggle was before."""
    test = page()
    test.number_input(key="config.seed").set_value(4711).run()
    test.toggle(key="config.keep_seed").set_value(False)
    submit(test)
    assert mine(test, studio)[0].request.seed == 4711
    assert test.toggle(key="config.keep_seed").value
    draw()
    test.toggle(key="config.keep_seed").set_value(False).run()
    submit(test)
    assert mine(test, studio)[0].request.seed != 4711


def test_a_typed_seed_is_let_go_with_its_toggle(page, studio):
    test = page()
    test.number_input(key="config.seed").set_value(4711).run()
    test.toggle(key="config.keep_seed").set_value(False).run()
    submit(test)
    assert mine(test, studio)[0].request.seed != 4711


def test_four_pictures_have_four_following_seeds(page, studio):
    test = page()
    test.button_group(key="config.count").set_value("4").run()
    submit(test)
    seeds = [job.request.seed for job in mine(test, studio)]
    assert seeds == list(range(seeds[-1] + 3, seeds[-1] - 1, -1))


def test_a_double_click_is_one_picture_also_when_that_is_done_meanwhile(page, clock, draw, studio):
    clock.step_s = 0.0
    test = page()
    submit(test), submit(test)
    assert len(mine(test, studio)) == 1
    draw()
    submit(test)
    assert len(mine(test, studio)) == 1
    submit(test, "something else")
    assert len(mine(test, studio)) == 2


def test_a_click_before_the_last_one_was_answered_is_the_same_wish_however_long_that_took(page, studio):
    test = submit(page())
    result(test).pressed = True  # as when the page was interrupted by the second click
    submit(test)
    assert len(mine(test, studio)) == 1
    submit(test)
    assert len(mine(test, studio)) == 2


def test_the_same_form_from_two_tabs_is_one_picture_as_long_as_it_is_not_drawn(page, draw, studio, cookies):
    cookies["owner"] = "somebody"
    one, two = page(), page()
    for tab in (one, two):
        tab.number_input(key="config.seed").set_value(7).run()
    submit(one), submit(two)
    assert len(mine(one, studio)) == 1
    draw()
    submit(two)
    assert len(mine(one, studio)) == 2
    cookies["owner"] = "somebody else"
    three = page()
    three.number_input(key="config.seed").set_value(7).run()
    assert len(mine(submit(three), studio)) == 1


def test_a_picture_that_was_cancelled_can_be_wanted_again_at_once(page, clock, studio, acting):
    clock.step_s = 0.0
    test = page()
    test.number_input(key="config.seed").set_value(7).run()
    submit(test)
    with acting(test) as actions:
        actions.cancel(mine(test, studio)[0].id)
    submit(test)
    assert [job.state for job in mine(test, studio)] == ["queued", "cancelled"]


def test_more_like_this_draws_the_same_settings_with_the_next_seed_each_time(page, draw, studio, acting):
    test = submit(page())
    draw()
    first = mine(test, studio)[0]
    with acting(test) as actions:
        actions.more_like(first.id)
        actions.more_like(first.id)
    third, second, _ = mine(test, studio)
    assert (second.request.seed, third.request.seed) == (first.request.seed + 1, first.request.seed + 2)
    assert second.request.prompt == first.request.prompt and second.request.width == first.request.width


def test_an_example_fills_the_prompt_with_its_very_words(page, studio):
    test = page()
    test.button(key="example-0").click().run()
    assert test.text_area(key="config.prompt").value == "a *red* house"


def test_one_of_several_pictures_can_be_cancelled_and_all_of_them(page, studio, acting):
    test = page()
    test.button_group(key="config.count").set_value("4").run()
    submit(test)
    assert sent(test, "status")["look"]["active"] == 4
    third, *_ = mine(test, studio)[2:]
    with acting(test) as actions:
        actions.cancel(third.id)
        assert [job.id for job in mine(test, studio) if not job.active] == [third.id]
        actions.cancel_all()
    assert {job.state for job in mine(test, studio)} == {"cancelled"}
    assert "Cancelled" in texts(test.run()) and sent(test, "status")["look"]["active"] == 0


def test_nobody_cancels_retries_or_picks_what_is_anothers(page, studio, acting):
    one, two = submit(page()), page()
    (job,) = mine(one, studio)
    with acting(two) as actions:
        actions.cancel(job.id)
        actions.cancel_all()
        actions.show(job.id)
        actions.more_like(job.id)
        actions.retry(job.id)
    assert mine(one, studio)[0].state == "queued" and not mine(two, studio)
    assert result(two).shown == "" and "There is no such picture any more." in texts(two.run())


def test_the_page_shows_the_finished_picture_and_how_long_it_took(page, draw):
    test = submit(page())
    assert "Queued, number 1 in line" in texts(test)
    draw()
    assert [job["state"] for job in looked_at(test.run())] == ["done"]
    assert "Done in" in texts(test)


def test_a_known_browser_finds_its_pictures_and_its_waiting_job_again(page, draw, cookies):
    cookies["owner"] = "somebody"
    before = submit(page())
    draw()
    submit(before, "a second one")
    after = page()
    assert [(job["prompt"], job["state"]) for job in looked_at(after)] == [
        ("a second one", "queued"),
        ("a red house", "done"),
    ]
    assert "Queued, number 1 in line" in texts(after)
    cookies["owner"] = "somebody else"
    assert not looked_at(page())


def test_each_tab_keeps_its_own_choice_of_the_picture_until_it_asks_for_another(page, draw, studio, cookies, acting):
    cookies["owner"] = "somebody"
    one, two = submit(page()), page()
    draw()
    (job,) = mine(one, studio)
    with acting(one) as actions:
        actions.show(job.id)
    assert sent(one.run(), "frame")["choice"] == job.id and sent(two.run(), "frame")["choice"] == ""
    before = sent(one, "frame")["choices"]
    submit(one, "another")
    assert sent(one, "frame")["choice"] == "" and sent(one, "frame")["choices"] > before


def test_the_results_of_a_session_are_ids_and_words_only(page, draw):
    test = submit(page())
    draw()
    found = result(test.run())
    assert found.prompt == "a red house" and found.seed == test.session_state["config.seed"]
    assert all(isinstance(value, (str, int, float, list, type(None))) for value in vars_of(found))


def vars_of(found) -> list:
    return [getattr(found, name) for name in type(found).__slots__]


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
    assert "The style x is broken." not in texts(test)  # there is something newer to tell
    studio.jobs.fail(studio.jobs.next(True, 0), InternalError("abc123"))
    assert "abc123" in texts(test.run()) and not test.exception


def test_a_picture_that_failed_is_asked_for_anew_with_the_very_same_settings(page, studio, acting):
    test = submit(page())
    studio.jobs.fail(studio.jobs.next(True, 0), OutOfMemory())
    failed = sent(test.run(), "status")["look"]["failed"]
    assert "The device ran out of memory." in texts(test)
    with acting(test) as actions:
        actions.retry(failed)
        actions.retry(failed)
    again, first = mine(test, studio)
    assert again.request == first.request and first.id == failed and again.state == "queued"
    assert sent(test.run(), "frame")["retried"] == [failed]  # which takes it out of the strip


def test_a_store_that_cannot_be_written_to_is_said_and_nothing_is_lost(page, studio, monkeypatch):
    def refuse(*_: object, **__: object) -> str:
        raise UserError("The database refuses: {why}.", why="disk full")

    test = page()
    with monkeypatch.context() as patch:
        patch.setattr(studio.jobs, "submit", refuse)
        submit(test)
    assert "The database refuses: disk full." in texts(test)
    assert test.text_area(key="config.prompt").value == "a red house"
    assert len(mine(submit(test), studio)) == 1


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

"""Several people and several tabs at once, and what is found again after going away: in a real browser."""

import re
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import expect

pytestmark = pytest.mark.browser

MOST_STEPS = 100  # long enough for a test to act meanwhile
PREVIEW = re.compile("/preview/")


def job_ids(studio) -> set[str]:
    """What the studio tells this browser of."""
    answer = studio.page.request.get("/app/static/now")
    return {job["id"] for job in answer.json()["jobs"]}


def count(studio, pictures: int) -> None:
    studio.page.get_by_role("radio", name=str(pictures), exact=True).click()


def states(studio) -> list[str]:
    return [tile.get_attribute("data-state") for tile in studio.strip.all()]


def test_two_browsers_at_once_never_see_each_others_work(visit):
    one, two = visit(), visit()
    mine, theirs = "a purple mushroom in the snow", "a green tree by night"
    for studio, words in ((one, mine), (two, theirs)):
        studio.set_number("Steps", MOST_STEPS)
        studio.ask(words)
    expect(one.picture).to_have_attribute("src", PREVIEW)
    expect(two.picture).to_have_attribute("src", PREVIEW)
    assert len(job_ids(one)) == len(job_ids(two)) == 1  # both are being drawn, or one is by now
    expect(one.page.locator(".caption .prompt")).to_have_text(mine)
    expect(two.page.locator(".caption .prompt")).to_have_text(theirs)
    preview = one.picture.get_attribute("src")
    assert two.page.request.get(preview).status == 404
    first, second = one.wait_for_new(), two.wait_for_new()
    assert job_ids(one) == {first} and job_ids(two) == {second}
    for kind in ("img", "thumb"):
        assert two.page.request.get(f"/app/static/{kind}/{first}").status == 404
        assert one.page.request.get(f"/app/static/{kind}/{first}").status == 200
    expect(one.page.get_by_text(theirs)).to_have_count(0)
    expect(two.page.get_by_text(mine)).to_have_count(0)


def test_a_reload_in_the_middle_finds_the_running_job_and_its_preview_again(visit):
    studio = visit()
    studio.set_number("Steps", MOST_STEPS)
    studio.ask("a red house")
    expect(studio.picture).to_have_attribute("src", PREVIEW)
    job = studio.frame.get_attribute("data-id")
    studio.page.reload()
    expect(studio.status).to_contain_text("step")
    expect(studio.picture).to_have_attribute("src", PREVIEW)
    assert studio.wait_for_new() == job


def test_a_second_tab_follows_the_same_job_and_keeps_its_own_choice(visit):
    one = visit()
    two = one.tab()
    before = one.draw("a yellow star")
    expect(two.frame).to_have_attribute("data-id", before)  # a tab that was idle notices
    one.set_number("Steps", MOST_STEPS)
    one.ask("a red house")
    expect(two.picture).to_have_attribute("src", PREVIEW)
    expect(two.status).to_contain_text("step")
    two.page.locator(f'.tile[data-id="{before}"] .pick').click()
    expect(two.frame).to_have_attribute("data-id", before)
    after = one.wait_for_new(before)
    expect(two.page.locator(f'.tile[data-id="{after}"]')).to_have_attribute("data-state", "done")
    expect(two.frame).to_have_attribute("data-id", before)


def test_one_of_several_waiting_pictures_is_cancelled_and_the_others_go_on(visit):
    studio = visit()
    studio.set_number("Steps", MOST_STEPS)
    count(studio, 4)
    studio.ask("a red house")
    expect(studio.strip).to_have_count(4)
    unwanted = studio.strip.first.get_attribute("data-id")  # the last to be drawn
    studio.strip.first.get_by_role("button", name="Cancel this picture").click()
    expect(studio.page.locator(f'.tile[data-id="{unwanted}"]')).to_have_count(0)
    expect(studio.strip).to_have_count(3)
    expect(studio.page.locator('.tile[data-state="done"]')).to_have_count(3)
    assert unwanted not in states(studio)


def test_all_that_waits_is_cancelled_at_once(visit):
    studio = visit()
    studio.set_number("Steps", MOST_STEPS)
    count(studio, 4)
    studio.ask("a red house")
    studio.page.get_by_role("button", name="Cancel all").click()
    expect(studio.status).to_contain_text("Cancelled")
    expect(studio.page.locator('.tile:is([data-state="queued"], [data-state="running"])')).to_have_count(0)
    studio.set_number("Steps", 2)
    count(studio, 1)
    studio.draw("a green tree by night")


def test_a_picture_that_was_finished_while_the_network_was_away_is_there_when_it_is_back(visit, served):
    studio = visit()
    studio.set_number("Steps", MOST_STEPS)
    studio.ask("a red house")
    expect(studio.picture).to_have_attribute("src", PREVIEW)
    job = studio.frame.get_attribute("data-id")
    studio.page.context.set_offline(True)
    other = visit(storage_state=studio.page.context.storage_state())  # the same person, elsewhere
    assert other.wait_for_new() == job
    expect(studio.frame).not_to_have_attribute("data-state", "done")
    studio.page.context.set_offline(False)
    assert studio.wait_for_new() == job


def test_a_page_that_was_closed_in_the_middle_finds_its_picture_on_return(visit):
    studio = visit()
    studio.set_number("Steps", MOST_STEPS)
    studio.ask("a red house")
    expect(studio.status).to_contain_text("step")
    job = studio.frame.get_attribute("data-id")
    context = studio.page.context
    studio.page.close()
    page = context.new_page()
    page.goto("/")
    again = type(studio)(page).opened()
    assert again.wait_for_new() == job
    expect(again.page.locator(".caption .prompt")).to_have_text("a red house")


def test_the_status_page_shows_another_persons_job_without_its_prompt(visit):
    one, two = visit(), visit()
    one.set_number("Steps", MOST_STEPS)
    count(one, 2)
    two.go("Status")
    expect(two.page.locator(".state h2")).to_contain_text("Nobody is waiting")
    one.ask("a secret red house")
    expect(two.page.locator(".state table")).to_contain_text("Person 1")  # without a click
    expect(two.page.locator(".state table")).to_contain_text("256 × 256")
    assert "secret" not in two.page.content()
    expect(two.page.locator(".state h2")).to_contain_text("Nobody is waiting")
    one.go("Status")
    expect(one.page.locator(".state h2")).to_be_visible()
    one.go("Studio")
    expect(one.frame).to_have_attribute("data-state", "done")


def test_what_was_typed_and_chosen_is_still_there_after_other_pages(visit):
    studio = visit()
    studio.set_number("Steps", 17)
    studio.prompt.fill("not sent yet")
    studio.go("Status")
    expect(studio.page.locator(".state")).to_be_visible()
    studio.go("Studio")
    expect(studio.prompt).to_have_value("not sent yet")
    studio.page.locator(".st-key-fine-tune summary").click()
    expect(studio.page.get_by_label("Steps", exact=True)).to_have_value("17")


def test_a_picture_that_failed_says_why_and_is_drawn_on_another_try(visit, served):
    studio = visit()
    with away(Path(served.data, "pictures")):
        studio.ask("a red house")
        expect(studio.status).to_contain_text("Pictures cannot be saved")
    studio.status.get_by_role("button", name="Try again").click()
    studio.wait_for_new()
    expect(studio.status).to_contain_text("Done in")


@contextmanager
def away(folder: Path):
    """Meanwhile nothing can be written there."""
    elsewhere = folder.rename(folder.with_name("away"))
    try:
        yield
    finally:
        elsewhere.rename(folder)

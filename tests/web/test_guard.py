"""Whatever changes something over HTTP is asked for by our own page, by a browser that is known, or it is refused."""

import pytest
from starlette.routing import Route

from web import mount
from web.guard import FORM

ZIP = "/app/static/history/zip"
STRANGE = {"origin": "https://evil.example", "sec-fetch-site": "cross-site"}


@pytest.fixture
def changing(studio, owners) -> list[tuple[str, str]]:
    """Method and path of every route of ours that changes something."""
    found = [route for route in mount.routes(studio, owners, lambda _, error: str(error)) if isinstance(route, Route)]
    return [(method, route.path) for route in found for method in (route.methods or set()) - {"GET", "HEAD"}]


def test_no_route_that_changes_something_listens_to_a_strange_page(browser, changing):
    client = browser()
    client.get("/")  # a browser that is known: its cookie may come along
    assert changing
    for method, path in changing:
        for headers in (STRANGE, {"origin": "null"}, {"origin": "http://["}, {"sec-fetch-site": "same-site"}, {}):
            assert client.request(method, path, headers=headers).status_code == 403, (method, path, headers)


def test_no_route_that_changes_something_listens_to_a_browser_that_is_not_known(browser, changing):
    for method, path in changing:
        ours = {"origin": "http://localhost:8501", "sec-fetch-site": "same-origin"}
        assert browser().request(method, path, headers=ours).status_code == 403


def test_no_route_that_changes_something_takes_what_a_form_can_send(browser, changing):
    client = browser()
    client.get("/")
    for method, path in changing:
        for kind in ("text/plain", FORM, "multipart/form-data; boundary=x", ""):
            if kind == FORM and path == ZIP:
                continue  # asked for by a form so that the browser saves what comes; it changes nothing
            headers = {"origin": "http://localhost:8501", "sec-fetch-site": "same-origin", "content-type": kind}
            assert client.request(method, path, headers=headers, content=b"x").status_code == 415


def test_no_route_that_changes_something_answers_to_a_made_up_host(browser, changing):
    for method, path in changing:
        assert browser().request(method, path, headers={"host": "evil.example"}).status_code == 400

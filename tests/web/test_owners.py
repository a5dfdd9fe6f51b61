"""Who a browser is."""

import stat

import pytest

from core.errors import UserError
from web.owners import Owners, signing_key


def test_the_first_page_gives_a_browser_an_owner_that_stays(browser, owners):
    client = browser()
    cookie = client.get("/").headers["set-cookie"]
    assert all(word in cookie for word in ("HttpOnly", "SameSite=Lax", "Path=/", "Max-Age="))
    assert "Secure" not in cookie
    first = owners.read(client.cookies)
    client.get("/")
    assert owners.read(client.cookies) == first == "owner1"


def test_over_https_the_cookie_is_for_https_only(browser):
    client = browser()
    client.base_url = "https://localhost:8501"
    assert "; Secure" in client.get("/").headers["set-cookie"]


def test_two_browsers_are_two_owners(browser, owners):
    one, two = browser(), browser()
    one.get("/"), two.get("/")
    assert owners.read(one.cookies) != owners.read(two.cookies)


@pytest.mark.parametrize(
    "forged", ["owner1", "owner1.", "owner1.AAAA", ".", "", "owner1.ü", "a.b.c", "x" * 10_000]
)  # fmt: skip
def test_a_forged_cookie_is_nobodys_and_is_replaced(browser, owners, draw, forged):
    draw("owner1")
    assert owners.read({owners.cookie: forged}) is None
    header = f"{owners.cookie}={forged}".encode()
    answer = browser().get("/", headers={b"cookie": header})
    assert answer.status_code == 200 and owners.cookie in answer.headers["set-cookie"]
    assert browser().get(f"/app/static/img/{1:032x}", headers={b"cookie": header}).status_code == 404


def test_a_cookie_of_another_studio_is_nobodys(owners):
    other = Owners(b"o" * 32, lambda: "x")
    assert owners.cookie != other.cookie  # two studios on one host do not overwrite each other's
    assert owners.read({owners.cookie: other.sign("owner1")}) is None


def test_one_owners_signature_does_not_fit_another(owners):
    signature = owners.sign("owner1").split(".")[1]
    assert owners.read({owners.cookie: f"owner2.{signature}"}) is None


def test_the_key_is_made_once_and_readable_by_its_user_only(tmp_path):
    file = tmp_path / "secret.key"
    key = signing_key(file)
    assert len(key) == 32 and signing_key(file) == key
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert [f.name for f in tmp_path.iterdir()] == ["secret.key"]


def test_a_key_half_written_by_a_process_that_died_is_no_obstacle(tmp_path):
    (tmp_path / "secret.key.partial").write_bytes(b"half")
    assert len(signing_key(tmp_path / "secret.key")) == 32


def test_a_damaged_key_is_refused_with_what_to_do(tmp_path):
    (tmp_path / "secret.key").write_bytes(b"short")
    with pytest.raises(UserError, match="Delete it"):
        signing_key(tmp_path / "secret.key")


def test_a_key_that_cannot_be_written_is_refused(tmp_path):
    with pytest.raises(UserError, match="cannot be read or made"):
        signing_key(tmp_path / "missing" / "secret.key")

"""The language of an answer: asked for, remembered, or the browser's own."""

import re

import pytest
from flask.testing import FlaskClient

from service.web.languages import COOKIE, LANGUAGES
from tests.service.jobs.test_retention import browser

CHINESE = {"Accept-Language": "zh-TW,zh;q=0.9,en;q=0.5"}


def language(client: FlaskClient, address: str, headers: dict[str, str] | None = None) -> str:
    return re.findall(r'<html lang="(\w+)"', client.get(address, headers=headers).text)[0]


@pytest.mark.parametrize(
    ("accepted", "spoken"),
    [("zh-CN,zh;q=0.9", "zh"), ("en-GB", "en"), ("fr", "en"), ("", "en"), ("fr,zh;q=0.2", "zh"), ("<x>;q=a", "en")],
)
def test_the_browsers_own_language_comes_first(client: FlaskClient, accepted: str, spoken: str) -> None:
    assert language(client, "/", {"Accept-Language": accepted}) == spoken


def test_a_choice_is_remembered(client: FlaskClient) -> None:
    mine = client.application.test_client()
    (header,) = (cookie for cookie in mine.get("/?lang=zh").headers.getlist("Set-Cookie") if COOKIE in cookie)
    assert all(part in header for part in (COOKIE, "HttpOnly", "SameSite=Lax", "Path=/", "Max-Age="))
    assert language(mine, "/") == "zh"
    assert language(mine, "/nowhere") == "zh"
    assert language(mine, "/?lang=en", CHINESE) == "en"
    assert language(mine, "/", CHINESE) == "en"


def test_a_language_that_is_not_spoken_is_not_remembered(client: FlaskClient) -> None:
    mine = client.application.test_client()
    assert all(COOKIE not in header for header in mine.get("/?lang=tlh").headers.getlist("Set-Cookie"))
    mine.set_cookie(COOKIE, "tlh")
    assert language(mine, "/") == "en"


def links(page: str) -> list[str]:
    """Return the addresses of the language links of a page."""
    return re.findall(r'href="([^"]+)" lang="\w+" hreflang', page)


def test_every_page_offers_itself_in_every_language(client: FlaskClient) -> None:
    assert links(client.get("/").text) == [f"?lang={code}" for code in LANGUAGES]
    assert links(client.get("/photographs?deleted=2&lang=en").text)[1] == "?deleted=2&amp;lang=zh"
    assert links(client.get("//elsewhere.example/x").text)[1] == "?lang=zh", "an address stays on this server"
    assert language(client, "/colorization/" + "0" * 32 + "?lang=zh") == "zh"


def test_the_answer_to_a_form_is_offered_where_it_can_be_had_again(client: FlaskClient) -> None:
    refused = browser(client).post("/colorization", data={})
    assert refused.status_code == 400
    assert links(refused.text) == ["/?lang=en", "/?lang=zh"]

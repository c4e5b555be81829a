"""The same journeys where two web processes answer by turns, and two other machines colour."""

import pytest

from tests.browser.test_journeys import (
    test_a_chosen_photo_comes_back_in_colour,
    test_bad_files_say_why_and_do_not_stop_the_rest,
    test_the_page_of_a_waiting_photo_becomes_its_result,
    test_upload_and_result_without_javascript,
)

pytestmark = [pytest.mark.browser, pytest.mark.postgres, pytest.mark.redis]

__all__ = [
    "test_a_chosen_photo_comes_back_in_colour",
    "test_bad_files_say_why_and_do_not_stop_the_rest",
    "test_the_page_of_a_waiting_photo_becomes_its_result",
    "test_upload_and_result_without_javascript",
]


@pytest.fixture
def studio(entrance: str) -> str:
    """Take the place of the application on one machine."""
    return entrance

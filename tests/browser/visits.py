"""Visits of result pages, with which the tests of several pages begin."""

from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass, field

from playwright.sync_api import FilePayload, Page, expect

from service.domain.job import Failure
from service.jobs.store import open_jobs
from service.settings import Settings
from tests.browser.conftest import PHOTO
from tests.browser.serving import resting_workers

STREET = FilePayload(name="street.jpg", mimeType="image/jpeg", buffer=PHOTO.read_bytes())


@dataclass(frozen=True)
class Visit:
    """A browser's page in the application at the address `studio`, whose photos lie in `data_dir`.

    What `stay` is given lasts until `stack` is closed.
    """

    page: Page
    studio: str
    data_dir: str
    stack: ExitStack = field(default_factory=ExitStack)

    def stay(self, context: AbstractContextManager[None]) -> None:
        """Enter `context` until the visit is over."""
        self.stack.enter_context(context)

    def send(self, *photos: FilePayload) -> str:
        """Send photographs as this browser's, without a page; return the id of the last one."""
        self.page.goto(self.studio)
        token = self.page.locator("meta[name=csrf-token]").get_attribute("content") or ""
        headers = {"X-CSRF-Token": token}
        for photo in photos:
            answer = self.page.request.post(f"{self.studio}v1/index", multipart={"photo": photo}, headers=headers)
            assert answer.status == 202, answer.text()
        return str(answer.json()["id"])

    def open(self, job_id: str) -> None:
        """Go to the page of a photograph."""
        self.page.goto(f"{self.studio}colorization/{job_id}")

    def send_and_open(self, photo: FilePayload = STREET) -> str:
        """Have a photograph coloured and go to its page, until the page's scripts are at work; return its id."""
        job_id = self.send(photo)
        self.open(job_id)
        expect(self.page.get_by_role("heading", level=1)).to_have_text("Your photograph, in colour")
        expect(self.page.locator(".viewer.live")).to_be_visible()
        return job_id

    def send_and_fail(self, failure: Failure) -> str:
        """Send a photograph that is not coloured, for that reason; return its id."""
        self.send_and_open()
        jobs = open_jobs(Settings.from_environ({"DATA_DIR": self.data_dir}))
        with resting_workers(self.data_dir):
            job_id = self.send(STREET)
            assert jobs.claim_one(job_id, "test")
            jobs.fail(job_id, "test", failure)
        return job_id

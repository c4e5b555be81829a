"""Shared objects of one application, and access to them from a request."""

from dataclasses import dataclass

from flask import current_app

from colorizers.photo.sandbox import Decoder
from service.context.api_keys import Keys
from service.context.identity import Owners, secret_of
from service.context.request_log import RequestLog
from service.jobs.store import JobStore, open_jobs
from service.jobs.wait import EndedJobs
from service.settings import Settings
from service.storage.backends import open_files
from service.storage.local import PhotoFiles
from service.workers.supervisor import Supervisor
from service.workers.worker_states import WorkerStates

EXTENSION = "photo-colorizer"


@dataclass(frozen=True)
class AppContext:
    """The objects that requests share."""

    settings: Settings
    files: PhotoFiles
    decoder: Decoder
    jobs: JobStore
    supervisor: Supervisor
    owners: Owners
    traffic: RequestLog
    waiting: EndedJobs
    worker_states: WorkerStates

    @classmethod
    def of(cls, settings: Settings) -> "AppContext":
        """Return the objects for `settings`; create the data folder and its database."""
        jobs = open_jobs(settings)
        secret = secret_of(settings, jobs.database)
        owners = Owners(secret, settings.base_dir or "/", Keys(settings.api_keys))
        files, supervisor = open_files(settings), Supervisor(settings, jobs)
        supervisor.forget_dead_workers()
        decoder, states = Decoder(settings.max_megapixels), WorkerStates(jobs.database)
        return cls(
            settings, files, decoder, jobs, supervisor, owners, RequestLog(jobs.database), EndedJobs(jobs), states
        )

    def close(self) -> None:
        """Stop the workers and decoding processes of this application, and close the database."""
        self.supervisor.stop()
        self.decoder.close()
        self.jobs.close()


def parts() -> AppContext:
    """Return the shared objects of the current request's application."""
    found = current_app.extensions[EXTENSION]
    assert isinstance(found, AppContext)
    return found

"""What one running application consists of, and the door to it from a request."""

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
    """The pieces that every request works with."""

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
        """Return the parts of an application with `settings`; creates the data folder and its database."""
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
        """Stop the worker and the decoding processes that this application started, and close the database."""
        self.supervisor.stop()
        self.decoder.close()
        self.jobs.close()


def parts() -> AppContext:
    """Return the parts of the application that answers the current request."""
    found = current_app.extensions[EXTENSION]
    assert isinstance(found, AppContext)
    return found

"""Access by a shared link: read only, by a token instead of the owner."""

from service.context.app_context import AppContext
from service.domain.job import Job, is_share_token
from service.domain.problems import JobNotFoundError
from service.jobs.retention import oldest_kept


def shows_original(job: Job) -> bool:
    """Return whether a shared link gives the original as it was sent: not where its place was to be left out."""
    return not job.options.strip_location


def find_shared(token: str, parts: AppContext) -> Job:
    """Return the finished photo that `token` shows. Raises `JobNotFoundError` where there is none, or no longer."""
    known = is_share_token(token)
    job = parts.jobs.shared(token, oldest_kept(parts.settings.expire_hours)) if known else None
    if job is None or job.outcome is None:
        raise JobNotFoundError("There is no photo behind this link, or no longer.")
    return job

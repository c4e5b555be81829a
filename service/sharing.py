"""A shared link's token in, the photo that it shows out: the one place where a photo is found without its owner."""

from service.jobs import Job
from service.parts import Parts
from service.privacy import oldest_kept
from service.problems import JobNotFoundError

_HOUR_S = 3600.0


def share_token(job: Job, parts: Parts) -> str:
    """Return the token that shows `job` to whoever has it, as long as the photo is kept."""
    return parts.share_tokens.make(job.id, kept_until_s(job, parts))


def kept_until_s(job: Job, parts: Parts) -> float:
    """Return when `job` expires, in seconds since the epoch: no link to it lives longer."""
    return job.created_at + parts.settings.expire_hours * _HOUR_S


def find_shared(token: str, parts: Parts) -> Job:
    """Return the finished photo that `token` shows. Raises `JobNotFoundError` where there is none, or no longer."""
    job_id = parts.share_tokens.read(token)
    job = parts.jobs.get(job_id) if job_id else None
    if job is None or job.outcome is None or job.created_at <= oldest_kept(parts.settings.expire_hours):
        raise JobNotFoundError("There is no photo behind this link, or no longer.")
    return job

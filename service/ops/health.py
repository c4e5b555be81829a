"""What those who run the application look at: whether the process answers, whether it can work, and the metrics."""

from collections.abc import Callable

from flask import Blueprint, Response, jsonify
from flask.typing import ResponseReturnValue
from prometheus_client import CONTENT_TYPE_LATEST
from sqlalchemy.exc import SQLAlchemyError

from colorizers.errors import ColorizerError
from colorizers.weights.registry import weights_path
from service.api.schema.openapi import Answer, describe
from service.api.schema.responses import Health, Readiness
from service.context.app_context import AppContext, parts
from service.domain.model_choice import choose_model
from service.jobs.queue import BrokerError
from service.ops.metrics import metrics_text

blueprint = Blueprint("watching", __name__)


@blueprint.get("/healthz")
@describe(Answer(200, "It does.", Health), tag="Watching")
def health() -> ResponseReturnValue:
    """Say that the process answers."""
    return jsonify(Health(status="ok").as_json())


@blueprint.get("/readyz")
@describe(Answer(200, "It would.", Readiness), Answer(503, "It would not.", Readiness), tag="Watching")
def ready() -> ResponseReturnValue:
    """Say whether a photo sent now would be coloured at once, and what of all that takes is there.

    `starting` means that nothing is missing but a worker, which may be on its way; photos may be sent, and wait for it.
    """
    parts().supervisor.ensure()
    checks = {name: _holds(check, parts()) for name, check in _checks(parts()).items()}
    missing = [name for name, holds in checks.items() if not holds]
    is_starting = missing == ["worker"] and _holds(_no_worker_is_unable, parts())
    answer = Readiness(status="starting" if is_starting else "not ready" if missing else "ready", checks=checks)
    return jsonify(answer.as_json()), 503 if missing else 200


@blueprint.get("/metrics")
@describe(Answer(200, "The metrics.", media=("text/plain",)), tag="Watching")
def metrics() -> ResponseReturnValue:
    """Return the metrics of all processes in Prometheus' text format."""
    parts().traffic.write()
    return Response(metrics_text(parts().jobs), content_type=CONTENT_TYPE_LATEST)


def _holds(check: Callable[[AppContext], bool], of: AppContext) -> bool:
    try:
        return check(of)
    except (OSError, SQLAlchemyError, ColorizerError, BrokerError):
        return False


def _database_answers(of: AppContext) -> bool:
    return of.jobs.load()[0] >= 0


def _storage_takes_files(of: AppContext) -> bool:
    of.files.check()
    return True


def _broker_answers(of: AppContext) -> bool:
    return of.jobs.messages is not None and of.jobs.messages.count() >= 0


def _worker_is_ready(of: AppContext) -> bool:
    return "ready" in of.worker_states.now()


def _no_worker_is_unable(of: AppContext) -> bool:
    return "unable" not in of.worker_states.now()


def _model_is_there(of: AppContext) -> bool:
    return weights_path(choose_model(of.settings), of.settings.model_dir).is_file()


def _checks(of: AppContext) -> dict[str, Callable[[AppContext], bool]]:
    return _CHECKS | ({"broker": _broker_answers} if of.jobs.messages else {})


_CHECKS: dict[str, Callable[[AppContext], bool]] = {
    "database": _database_answers,
    "storage": _storage_takes_files,
    "worker": _worker_is_ready,
    "model": _model_is_there,
}

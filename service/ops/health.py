"""Routes for operators: health, readiness and metrics."""

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
    app = parts()
    app.supervisor.ensure()
    checks = {name: _holds(check, app) for name, check in _CHECKS.items() if name != "broker" or app.jobs.messages}
    missing = [name for name, holds in checks.items() if not holds]
    is_starting = missing == ["worker"] and _holds(lambda app: "unable" not in app.worker_states.now(), app)
    answer = Readiness(status="starting" if is_starting else "not ready" if missing else "ready", checks=checks)
    return jsonify(answer.as_json()), 503 if missing else 200


@blueprint.get("/metrics")
@describe(Answer(200, "The metrics.", media=("text/plain",)), tag="Watching")
def metrics() -> ResponseReturnValue:
    """Return the metrics of all processes in Prometheus' text format."""
    parts().traffic.write()
    return Response(metrics_text(parts().jobs), content_type=CONTENT_TYPE_LATEST)


def _holds(check: Callable[[AppContext], object], app: AppContext) -> bool:
    """Return whether `check` raises no expected error and does not return False."""
    try:
        return check(app) is not False
    except (OSError, SQLAlchemyError, ColorizerError, BrokerError):
        return False


def _has_model(app: AppContext) -> bool:
    return weights_path(choose_model(app.settings), app.settings.model_dir).is_file()


_CHECKS: dict[str, Callable[[AppContext], object]] = {
    "database": lambda app: app.jobs.load()[0] >= 0,
    "storage": lambda app: app.files.check(),
    "worker": lambda app: "ready" in app.worker_states.now(),
    "model": _has_model,
    "broker": lambda app: app.jobs.messages is not None and app.jobs.messages.count() >= 0,
}

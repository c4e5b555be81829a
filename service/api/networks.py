"""Route that lists the networks of the registry."""

from flask import jsonify
from flask.typing import ResponseReturnValue

from colorizers.weights.registry import known_specs, weights_path
from service.api.blueprint import blueprint
from service.api.schema.openapi import Answer, describe
from service.api.schema.responses import Network, Networks
from service.context.app_context import parts
from service.domain.model_choice import choose_model


@blueprint.get("/v1/models")
@describe(Answer(200, "The networks.", Networks), tag="Networks")
def models() -> ResponseReturnValue:
    """List the networks that the server knows, and which of them it has."""
    settings = parts().settings
    default = choose_model(settings).name
    known = [
        Network(
            installed=weights_path(spec, settings.model_dir).is_file(),
            is_default=spec.name == default,
            **{name: value for name, value in vars(spec).items() if name in Network.model_fields},
        )
        for spec in known_specs(settings.model_dir).values()
    ]
    return jsonify(Networks(models=known).as_json())

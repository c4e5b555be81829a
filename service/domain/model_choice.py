"""Choice of the default network, and whether a network can do what is asked of it. Loads no torch."""

import sys

from colorizers.errors import (
    ColorizerError,
    HintsNotAcceptedError,
    TemperatureNotSupportedError,
    UnknownModelError,
)
from colorizers.recipe import Options
from colorizers.weights.registry import EMBEDDED, ModelSpec, default_spec, find_spec, known_specs, weights_path
from service.domain.options import InvalidOptionError
from service.settings import Settings, SettingsError, load_settings


class ServerModelError(ColorizerError):
    """The server's settings name a network that does not exist there; the reader can do nothing about it."""

    code = "unknown_model"


def choose_model(settings: Settings) -> ModelSpec:
    """Return the network `MODEL` names, else the first published one whose weights are there, else the embedded one.

    Raises `ServerModelError` where there is no network of that name.
    """
    try:
        return find_spec(settings.model, settings.model_dir) if settings.model else default_spec(settings.model_dir)
    except UnknownModelError as error:
        raise ServerModelError(error.message, **error.data) from error


def check_usable(options: Options, settings: Settings) -> None:
    """Make sure that the network that `options` ask for is there and can do what they ask of it.

    Raises `InvalidOptionError`, `HintsNotAcceptedError` or `TemperatureNotSupportedError`.
    """
    if not (options.model or options.hints or options.temperature is not None):
        return
    spec = choose_model(settings) if options.model is None else known_specs(settings.model_dir).get(options.model)
    if spec is None:
        known = ", ".join(known_specs(settings.model_dir))
        raise InvalidOptionError("model", f"has to be one of {known}")
    if options.model and not weights_path(spec, settings.model_dir).is_file():
        raise InvalidOptionError("model", f"names {spec.name}, whose weights are not on this server")
    if options.hints and not spec.accepts_hints:
        raise HintsNotAcceptedError(f"{spec.title} takes no colour hints.", name=spec.name)
    if options.temperature is not None and not spec.has_distribution:
        raise TemperatureNotSupportedError(f"{spec.title} has no temperature.", name=spec.name)


def is_embedded(name: str) -> bool:
    """Whether that network is the one that ships with the program."""
    return name == EMBEDDED


def main() -> int:
    """Print which network is used, for `run.sh`; return the exit status."""
    try:
        spec = choose_model(load_settings())
    except (ColorizerError, SettingsError) as error:
        print(error, file=sys.stderr)
        return 1
    note = " (the small network that comes with the program)" if is_embedded(spec.name) else ""
    print(f"Network: {spec.title}{note}")
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""Settings in, the network that the service uses out: the one that is set, or the best one at hand. Loads no torch."""

import sys

from colorizers.errors import ColorizerError, UnknownModelError
from colorizers.registry import EMBEDDED, ModelSpec, default_spec, find_spec
from service.settings import Settings, SettingsError, load_settings


class ServerModelError(ColorizerError):
    """The server's settings name a network that does not exist there; the reader can do nothing about it."""

    code = "unknown_model"
    status = 503


def choose_model(settings: Settings) -> ModelSpec:
    """Return the network `MODEL` names, else the first published one whose weights are there, else the embedded one.

    Raises `ServerModelError` where there is no network of that name.
    """
    try:
        return find_spec(settings.model, settings.model_dir) if settings.model else default_spec(settings.model_dir)
    except UnknownModelError as error:
        raise ServerModelError(error.message, **error.data) from error


def is_embedded(name: str) -> bool:
    """Whether that network is the one that ships with the program."""
    return name == EMBEDDED


def main() -> int:
    """Print which network is used, for `run.sh`; returns the exit status."""
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

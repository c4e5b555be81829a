"""Takes environment variables, gives `Settings`: the one table of every setting's name, type, default and help.

`python -m service.settings markdown | env | shell` prints the table for the documentation, the file `.env.example`, or
the values in force as shell assignments (for `run.sh`). A file `.env` in the project folder is read beneath the
environment. Nothing here imports more than the standard library.
"""

import os
import shlex
import sys
from collections.abc import Mapping
from dataclasses import Field, dataclass, field, fields
from pathlib import Path
from typing import Any

_MEGABYTE = 1_000_000

ROOT = Path(__file__).resolve().parent.parent
_TRUE = {"1", "true", "yes", "on"}
_FALSE = {"0", "false", "no", "off"}
# What has fewer could be guessed, and cookies forged with it.
LEAST_SECRET_BYTES = 32


class SettingsError(ValueError):
    """A setting has a value that cannot be used; the message names the variable and what it accepts."""


def _about(
    help_text: str, *, minimum: float | None = None, choices: tuple[str, ...] = (), least_bytes: int = 0
) -> dict[str, Any]:
    return {"help": help_text, "minimum": minimum, "choices": choices, "least_bytes": least_bytes}


@dataclass(frozen=True)
class Settings:
    """Every setting; the environment variable is the field's name in capitals."""

    base_dir: str = field(
        default="", metadata=_about("URL prefix of every address, for example `/colorizer`; empty for none")
    )
    host: str = field(default="127.0.0.1", metadata=_about("address to listen on; `0.0.0.0` for every interface"))
    port: int = field(default=5000, metadata=_about("port to listen on", minimum=1))
    data_dir: Path = field(default=Path("data"), metadata=_about("folder of the photos and the job database"))
    model_dir: Path = field(default=Path("model"), metadata=_about("folder of the networks' weights"))
    model: str = field(
        default="",
        metadata=_about("network to use, by name; empty: siggraph17 or eccv16 if at hand, else the embedded default"),
    )
    device: str = field(
        default="auto",
        metadata=_about("where the network runs; `auto`: on a GPU if there is one", choices=("auto", "cpu", "gpu")),
    )
    workers: int = field(
        default=0,
        metadata=_about(
            "processes that colour photos, one at a time each; `0`: one for each GPU or core, as memory allows",
            minimum=0,
        ),
    )
    wait_s: float = field(
        default=30.0,
        metadata=_about(
            "longest time in seconds that an upload waits for its result, from when a worker is ready; `0`: not at all",
            minimum=0,
        ),
    )
    max_upload_mb: int = field(default=64, metadata=_about("largest photo file in megabytes", minimum=1))
    max_megapixels: float = field(default=120.0, metadata=_about("largest photo in megapixels", minimum=0.001))
    max_files: int = field(default=20, metadata=_about("most photos in one upload", minimum=1))
    max_queue: int = field(
        default=500,
        metadata=_about(
            "photos that may wait; with so many, uploads are answered 503 and told when to try again", minimum=1
        ),
    )
    expire_hours: float = field(
        default=24.0,
        metadata=_about("hours after which a photo, its result and its record are removed", minimum=0.001),
    )
    secret_key: str = field(
        default="",
        metadata=_about(
            "key that signs cookies, of at least 32 bytes; empty: made once and kept in `DATA_DIR/secret-key`",
            least_bytes=LEAST_SECRET_BYTES,
        ),
    )
    api_keys: str = field(
        default="",
        metadata=_about(
            "long random keys, separated by commas, of which programs must send one; empty: none is needed"
        ),
    )
    database_url: str = field(
        default="",
        metadata=_about(
            "PostgreSQL database that all machines share, `postgresql://user:password@host/name`; "
            "empty: SQLite in `DATA_DIR`"
        ),
    )
    broker_url: str = field(
        default="",
        metadata=_about(
            "Redis that hands photos to the workers that `./run.sh worker` starts, `redis://host:6379/0`; "
            "empty: local workers"
        ),
    )
    storage_url: str = field(
        default="",
        metadata=_about(
            "where photos lie: a folder, or `s3://bucket/prefix` with `AWS_ENDPOINT_URL`, `AWS_ACCESS_KEY_ID`, "
            "`AWS_SECRET_ACCESS_KEY` and `AWS_REGION` beside it; empty: `DATA_DIR`"
        ),
    )
    rate_limit: str = field(
        default="1200/minute",
        metadata=_about(
            "how many requests that change something one client may send, `60/minute;2000/day`; `none`: any number"
        ),
    )
    proxies: int = field(
        default=0,
        metadata=_about(
            "reverse proxies in front, whose `X-Forwarded-For` and `X-Forwarded-Proto` tell who the client is",
            minimum=0,
        ),
    )
    weights: str = field(
        default="siggraph17",
        metadata=_about("published network whose weights `run.sh` tries to fetch; `none` to fetch nothing"),
    )
    offline: bool = field(default=False, metadata=_about("`1`: `run.sh` never looks for weights on the network"))

    @classmethod
    def from_environ(cls, environ: Mapping[str, str]) -> "Settings":
        """Return the settings of `environ`; an empty value counts as absent. Raises `SettingsError`.

        Relative folders are taken from the project folder, whatever the current directory.
        """
        values = {f.name: _parse(f, environ.get(f.name.upper(), "").strip()) for f in fields(cls)}
        values["base_dir"] = _url_prefix(values["base_dir"])
        values["data_dir"] = (ROOT / values["data_dir"].expanduser()).resolve()
        values["model_dir"] = (ROOT / values["model_dir"].expanduser()).resolve()
        return cls(**values)

    def to_environ(self) -> dict[str, str]:
        """Return the settings as environment variables, from which `from_environ` makes equal ones."""
        return {f.name.upper(): _text(getattr(self, f.name)) for f in fields(self)}


def load_settings() -> Settings:
    """Return the settings of this process: its environment, and beneath it the file `.env`. Raises `SettingsError`."""
    written = read_env_file(ROOT / ".env")
    for name, value in written.items():
        # What speaks to the storage looks for these in the environment alone.
        if name.startswith("AWS_"):
            os.environ.setdefault(name, value)
    return Settings.from_environ({**written, **{k: v for k, v in os.environ.items() if v}})


def read_env_file(path: Path) -> dict[str, str]:
    """Return the `NAME=value` lines of `path`, quotes removed, or none without the file. Raises `SettingsError`."""
    if not path.is_file():
        return {}
    values = {}
    for line in path.read_text(encoding="utf-8").splitlines():
        name, equals, value = line.strip().removeprefix("export ").partition("=")
        if equals and not name.startswith("#"):
            values[name.strip()] = _unquote(name.strip(), value)
    return values


def _unquote(name: str, value: str) -> str:
    try:
        return " ".join(shlex.split(value, comments=True))
    except ValueError as error:
        raise SettingsError(f"{name} in .env cannot be read: {error}.") from None


def _parse(setting: "Field[Any]", text: str) -> Any:
    name, default = setting.name.upper(), setting.default
    if not text:
        return default
    if isinstance(default, bool):
        return _parse_bool(name, text)
    value: Any = Path(text) if isinstance(default, Path) else text
    if isinstance(default, int | float):
        try:
            value = type(default)(text)
        except ValueError:
            raise SettingsError(f"{name} must be a number, not {text!r}.") from None
    minimum, choices = setting.metadata["minimum"], setting.metadata["choices"]
    if minimum is not None and not value >= minimum:
        raise SettingsError(f"{name} must be at least {minimum}, not {text}.")
    least_bytes = setting.metadata["least_bytes"]
    if len(text.encode()) < least_bytes:
        raise SettingsError(f"{name} must have at least {least_bytes} bytes, not {len(text.encode())}.")
    if choices and value not in choices:
        raise SettingsError(f"{name} must be one of {', '.join(choices)}, not {text!r}.")
    return value


def _parse_bool(name: str, text: str) -> bool:
    if text.lower() not in _TRUE | _FALSE:
        raise SettingsError(f"{name} must be 1 or 0, not {text!r}.")
    return text.lower() in _TRUE


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "1" if value else "0"
    return f"{value:.12g}" if isinstance(value, float) else str(value)


def _url_prefix(text: str) -> str:
    path = text.strip("/")
    return f"/{path}" if path else ""


def as_markdown() -> str:
    """Return the table for the documentation."""
    rows = ["| Setting | Default | Meaning |", "|---|---|---|"]
    for f in fields(Settings):
        default = f"`{_text(f.default)}`" if _text(f.default) else "(empty)"
        rows.append(f"| `{f.name.upper()}` | {default} | {f.metadata['help']} |")
    return "\n".join(rows) + "\n"


def as_env_file() -> str:
    """Return the text of `.env.example`."""
    lines = ["# Copy to .env and uncomment what you want to change. The environment takes precedence over this file."]
    for f in fields(Settings):
        help_text = f.metadata["help"].replace("`", "")
        lines += ["", f"# {help_text[0].upper()}{help_text[1:]}.", f"# {f.name.upper()}={_text(f.default)}"]
    return "\n".join(lines) + "\n"


def as_shell(settings: Settings) -> str:
    """Return the values as assignments that a POSIX shell can evaluate."""
    return "".join(f"{name}={shlex.quote(value)}\n" for name, value in settings.to_environ().items())


def main(arguments: list[str]) -> int:
    """Print what `arguments` asks for; returns the exit status."""
    wanted = arguments[0] if arguments else "markdown"
    if wanted not in {"markdown", "env", "shell"} or len(arguments) > 1:
        print("usage: python -m service.settings [markdown | env | shell]", file=sys.stderr)
        return 2
    try:
        settings = load_settings()
    except SettingsError as error:
        print(error, file=sys.stderr)
        return 2
    texts = {"markdown": as_markdown(), "env": as_env_file(), "shell": as_shell(settings)}
    sys.stdout.write(texts[wanted])
    return 0


def most_upload_bytes(max_upload_mb: int) -> int:
    """Return the limit for one file in bytes."""
    return max_upload_mb * _MEGABYTE


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

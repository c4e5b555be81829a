import os
from dataclasses import fields
from pathlib import Path

import pytest

from service import settings as module
from service.settings import ROOT, Settings, SettingsError


def test_defaults_are_those_of_the_documentation() -> None:
    settings = Settings.from_environ({})
    assert (settings.host, settings.port, settings.base_dir) == ("127.0.0.1", 5000, "")
    assert (settings.max_upload_mb, settings.max_megapixels, settings.max_files) == (64, 120.0, 20)
    assert settings.wait_s == 30
    assert settings.data_dir == ROOT / "data"


def test_environment_round_trip() -> None:
    environ = {
        "BASE_DIR": "photos/",
        "PORT": "8000",
        "DATA_DIR": "/tmp/somewhere",
        "WAIT_S": "0.5",
        "MODEL": "eccv16",
        "OFFLINE": "yes",
        "MAX_FILES": "",
    }
    settings = Settings.from_environ(environ)
    assert settings.base_dir == "/photos"
    assert settings.data_dir == Path("/tmp/somewhere")
    assert settings.wait_s == 0.5
    assert settings.offline is True
    assert settings.max_files == 20
    assert Settings.from_environ(settings.to_environ()) == settings


@pytest.mark.parametrize(
    ("name", "value"),
    [("PORT", "http"), ("PORT", "0"), ("WAIT_S", "nan"), ("DEVICE", "tpu"), ("OFFLINE", "maybe"), ("MAX_FILES", "-1")],
)
def test_wrong_values_are_named(name: str, value: str) -> None:
    with pytest.raises(SettingsError, match=name):
        Settings.from_environ({name: value})


def test_short_secret_is_refused_and_not_repeated() -> None:
    with pytest.raises(SettingsError, match="SECRET_KEY must have at least 32 bytes, not 6") as refused:
        Settings.from_environ({"SECRET_KEY": "secret"})
    assert "'secret'" not in str(refused.value)
    assert Settings.from_environ({"SECRET_KEY": "s" * 32}).secret_key == "s" * 32


def test_env_file_also_names_the_storage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / ".env").write_text("PORT=8000\nAWS_REGION=there\nAWS_SECRET_ACCESS_KEY='from file'\n")
    monkeypatch.setattr(module, "ROOT", tmp_path)
    monkeypatch.setattr(os, "environ", {"AWS_REGION": "here"})
    assert module.load_settings().port == 8000
    assert os.environ == {"AWS_REGION": "here", "AWS_SECRET_ACCESS_KEY": "from file"}


def test_env_file(tmp_path: Path) -> None:
    file = tmp_path / ".env"
    file.write_text("# a comment\nPORT=8000  # behind nginx\n\nexport MODEL='eccv16'\n# HOST=0.0.0.0\n")
    assert module.read_env_file(file) == {"PORT": "8000", "MODEL": "eccv16"}
    assert module.read_env_file(tmp_path / "none") == {}
    file.write_text("MODEL='eccv16\n")
    with pytest.raises(SettingsError, match="MODEL"):
        module.read_env_file(file)


def test_example_file_follows_the_table() -> None:
    assert (ROOT / ".env.example").read_text(encoding="utf-8") == module.as_env_file()
    for f in fields(Settings):
        assert f"`{f.name.upper()}`" in module.as_markdown()


@pytest.mark.parametrize("document", ["README.md", "docs/deployment.md"])
def test_documents_follow_the_table(document: str) -> None:
    assert module.as_markdown() in (ROOT / document).read_text(encoding="utf-8")


def test_shell_assignments_are_quoted() -> None:
    text = module.as_shell(Settings.from_environ({"MODEL": "it's; rm -rf"}))
    assert "MODEL='it'\"'\"'s; rm -rf'\n" in text


def test_command_prints_or_explains(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    assert module.main(["markdown"]) == 0
    assert "| `PORT` | `5000` |" in capsys.readouterr().out
    assert module.main(["nonsense"]) == 2
    monkeypatch.setenv("PORT", "x")
    assert module.main(["shell"]) == 2
    assert "PORT must be a number" in capsys.readouterr().err

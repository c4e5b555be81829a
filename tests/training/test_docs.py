"""Tests that docs/training.md and the command line agree."""

import re
import shlex
from pathlib import Path

import pytest

from training.cli.main import main, make_parser
from training.recipes.registry import RECIPES

TEXT = (Path(__file__).parents[2] / "docs" / "training.md").read_text(encoding="utf-8")
COMMANDS = re.findall(
    r"-m training ((?:prepare|train|export|evaluate|sheet) .*)", "\n".join(re.findall(r"```sh\n(.*?)```", TEXT, re.S))
)


@pytest.mark.parametrize("command", COMMANDS)
def test_commands_are_understood_as_written(command: str) -> None:
    options = make_parser([]).parse_args(shlex.split(command))
    assert callable(options.run_command)


def test_every_command_and_recipe_is_described() -> None:
    assert {command.split()[0] for command in COMMANDS} == {"prepare", "train", "export", "evaluate", "sheet"}
    for recipe in RECIPES:
        assert f"| `{recipe}` |" in TEXT


def test_help_names_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        main(["--help"])
    assert stop.value.code == 0
    printed = capsys.readouterr().out
    assert all(f"\n    {name} " in printed for name in ("prepare", "train", "export", "evaluate", "sheet"))


def test_options_in_the_text_exist() -> None:
    whole = make_parser([])
    (commands,) = (action for action in whole._actions if action.choices)
    assert isinstance(commands.choices, dict)
    known = {option for command in commands.choices.values() for option in command._option_string_actions}
    elsewhere = {"--logdir", "--nproc-per-node", "--model"}
    assert set(re.findall(r"--[a-z][a-z-]+", TEXT)) - elsewhere <= known

"""Every command and flag is in docs/reference/cli.md, and nothing that does not exist."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from cyclopts import App

from ioruntime.cli.main import app

REFERENCE = (Path(__file__).parents[2] / "docs" / "reference" / "cli.md").read_text()
EVERYWHERE = {"--help", "-h", "--version", "--json", "--data-dir", "--config", "--apihost"}


def commands(parent: App, words: tuple[str, ...] = ()) -> Iterator[tuple[str, App]]:
    """Each command that does something, by the words one types."""
    names = [name for name in parent if not name.startswith("-")]
    if not names:
        yield " ".join(words), parent
    for name in names:
        yield from commands(parent[name], (*words, name))


COMMANDS = dict(commands(app))


def section(name: str) -> str:
    """The text between a heading and the next of any level."""
    match = re.search(rf"^### `ioruntime {re.escape(name)}\b[^`]*`\n(.*?)(?=^#|\Z)", REFERENCE, re.MULTILINE | re.DOTALL)
    assert match is not None, f"docs/reference/cli.md has no section for: ioruntime {name}"
    return match[0]


def flags(command: App) -> set[str]:
    names = {name for argument in command.assemble_argument_collection() for name in argument.names}
    everywhere = {*EVERYWHERE, "--auth"} if "--apihost" in names else EVERYWHERE
    return {name for name in names if name.startswith("--")} - everywhere


@pytest.mark.parametrize("name", list(COMMANDS))
def test_every_command_and_flag_is_in_the_reference(name: str) -> None:
    text = section(name)
    assert {flag for flag in flags(COMMANDS[name]) if f"`{flag}" not in text} == set()


def test_the_reference_names_only_commands_that_exist() -> None:
    headings = re.findall(r"^### `ioruntime ([a-z]+(?: [a-z][a-z-]*)*)", REFERENCE, re.MULTILINE)
    assert sorted(headings) == sorted(COMMANDS)


@pytest.mark.parametrize("name", [name for name in COMMANDS if name not in {"version", "init"}])
def test_every_command_takes_what_says_where(name: str) -> None:
    names = {name for argument in COMMANDS[name].assemble_argument_collection() for name in argument.names}
    # The store of this machine with its settings, or a server with a key.
    assert {"--data-dir", "--config"} <= names or {"--apihost", "--auth", "--data-dir"} <= names


@pytest.mark.parametrize("name", [name for name in COMMANDS if name not in {"serve", "dev"}])
def test_every_command_that_prints_data_can_print_json(name: str) -> None:
    names = {name for argument in COMMANDS[name].assemble_argument_collection() for name in argument.names}
    assert "--json" in names

"""The plan of the house, as far as a test can read it: sizes, names, owners of tasks, promises of ports."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import ioruntime

SRC = Path(ioruntime.__file__).parent
FILES = sorted(SRC.rglob("*.py"))
FOLDERS = {folder.name for folder in SRC.iterdir() if folder.is_dir() and any(folder.glob("*.py"))}
PACKAGES = {"app", "bus", "cli", "client", "core", "engines", "faces", "invoker", "model", "ports", "stores", "testing", "tokens"}
WIDE = {"core/invocation.py __init__", "invoker/service.py __init__"}
"""More than seven parameters: one keyword-only collaborator each, named once in `app/wiring.py`."""
OWNERS = {"stores/sql/commit.py"}
"""Creates its one task by hand, keeps it and awaits it in `__aexit__`: a TaskGroup would wrap each error of the body."""
SELF_TELLING = re.compile(r"^(__\w+__|name|\w*(count|list|read|start|resume|by_\w+|last_change))$")

Function = ast.FunctionDef | ast.AsyncFunctionDef
by_name = pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(SRC)))


def functions(file: Path) -> Iterator[Function]:
    yield from (node for node in ast.walk(ast.parse(file.read_text())) if isinstance(node, Function))


def parameters(function: Function) -> int:
    names = [a.arg for a in (*function.args.posonlyargs, *function.args.args, *function.args.kwonlyargs)]
    return len([name for name in names if name not in {"self", "cls"}])


@by_name
def test_sizes(file: Path) -> None:
    assert len(file.read_text().splitlines()) <= 600
    for function in functions(file):
        where = f"{file.relative_to(SRC)} {function.name}"
        assert (function.end_lineno or 0) - function.lineno < 60, f"{where} is too long"
        assert parameters(function) <= 7 or where in WIDE, f"{where} wants too much"


@by_name
def test_words_that_are_not_said(file: Path) -> None:
    assert file.stem not in {"utils", "helpers", "common", "manager", "base"}
    text = file.read_text()
    assert not re.search(r"\b(TODO|FIXME|XXX)\b(?!\(?#?\d)(?!_)", text)
    # Every task has an owner, and no wait cancels what others wait for.
    alone = re.search(r"\basyncio\.(create_task|gather|wait_for|shield)\(", text)
    assert alone is None or str(file.relative_to(SRC)) in OWNERS


def test_no_folder_is_too_full_and_no_package_is_unknown() -> None:
    assert FOLDERS <= PACKAGES
    for folder in {file.parent for file in FILES}:
        assert len([file for file in folder.iterdir() if file.is_file() and file.name != "__init__.py"]) <= 20, folder


@pytest.mark.parametrize("file", sorted((SRC / "ports").glob("*.py")), ids=lambda file: file.stem)
def test_ports_say_what_they_promise(file: Path) -> None:
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.ClassDef | Function) and not SELF_TELLING.match(node.name):
            assert ast.get_docstring(node), f"{node.name} promises nothing"

"""Operations, errors and metrics are in docs/reference; settings and commands have such tests of their own."""

import ast
import re
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

import ioruntime
from ioruntime.app.settings import InvokerSettings, Settings
from ioruntime.app.wiring import Platform, open_platform
from ioruntime.faces.docs.reference import operations_reference
from ioruntime.testing.asgi import AsgiClient

pytestmark = pytest.mark.anyio

SRC = Path(ioruntime.__file__).parent
REFERENCE = Path(__file__).parents[2] / "docs" / "reference"
DEFECTS = {"ValueError", "TypeError", "AssertionError"}
"""What is raised for a caller that is wrong, and never told."""
TOLD_ELSEWHERE = {"cli", "testing", "invoker", "engines"}
"""What commands and drivers say goes to people at a terminal or to the log; the invoker's answers are in the table below."""
_HOLE = "…"
_PIECE = re.compile(rf"[^{_HOLE}]{{6,}}")


@pytest.fixture
async def platform(tmp_path: Path) -> AsyncIterator[Platform]:
    """A platform that runs nothing."""
    settings = Settings(data_dir=tmp_path / "data", invoker=InvokerSettings(driver="process", prewarm=0))
    async with open_platform(settings, "http://localhost") as platform:
        yield platform


async def test_the_page_of_operations_is_what_the_tables_say(platform: Platform) -> None:
    written = (REFERENCE / "operations.md").read_text()
    assert written == operations_reference(platform.application.faces), "run: .venv/bin/python scripts/write_reference.py"


async def test_every_face_that_shows_operations_has_a_title(platform: Platform) -> None:
    faces = platform.application.faces
    assert {face.prefixes for face in faces if not face.title and any(not row.hidden for row in face.operations)} <= {("/docs",)}


async def test_every_metric_is_in_the_reference_and_no_other(platform: Platform) -> None:
    answer = await AsgiClient(platform.application).request("GET", "/metrics")
    shown = set(re.findall(r"^# TYPE (\w+)", answer.body.decode(), re.MULTILINE))
    named = set(re.findall(r"^\| `(\w+)`", (REFERENCE / "metrics.md").read_text(), re.MULTILINE))
    assert named == {name for name in shown if not name.endswith("_created")}


def literal(node: ast.expr) -> str | None:
    """A text as it is written, with a hole for what is put in."""
    match node:
        case ast.Constant(value=str(text)):
            return text
        case ast.JoinedStr(values=parts):
            return "".join(literal(part) or _HOLE for part in parts)
        case _:
            return None


def name_of(node: ast.expr) -> str:
    """`Error` of `raise Error(...)` and of `raise Error.way(...)`."""
    match node:
        case ast.Name(id=name) if name not in DEFECTS:
            return name
        case ast.Attribute(value=ast.Name(id=owner), attr=attribute):
            return owner if owner.endswith("Error") or owner == "cls" else attribute
        case ast.Attribute(attr=attribute):
            return attribute
        case _:
            return ""


def texts(file: Path) -> Iterator[str]:
    """What the errors that a module makes say."""
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Call) and (name_of(node.func).endswith("Error") or name_of(node.func) in {"cls", "__init__"}):
            yield from (text for text in map(literal, node.args) if text and " " in text)
        elif isinstance(node, ast.FunctionDef) and node.name == "__init__":
            yield from (text for text in map(literal, node.args.defaults) if text and " " in text)


TELLERS = [file for file in sorted(SRC.rglob("*.py")) if file.relative_to(SRC).parts[0] not in TOLD_ELSEWHERE]


@pytest.mark.parametrize("file", TELLERS, ids=lambda file: str(file.relative_to(SRC)))
def test_every_error_is_in_the_reference(file: Path) -> None:
    told = flat((REFERENCE / "errors.md").read_text())
    missing = {text for text in texts(file) if any(piece not in told for piece in pieces(text))}
    assert missing == set(), "docs/reference/errors.md does not tell of them"


def pieces(text: str) -> list[str]:
    """The parts of a text that are always the same, long enough to be looked for."""
    return [piece.strip(" .:'") for piece in _PIECE.findall(flat(text))]


def flat(text: str) -> str:
    return " ".join(text.replace("\\n", " ").replace("` …", " …").split())


ANSWERS = (
    "invoker/answer.py",
    "invoker/service.py",
    "invoker/logs.py",
    "core/sequences.py",
    "core/conductors.py",
    "core/composing.py",
)


@pytest.mark.parametrize("name", ANSWERS)
def test_every_sentence_of_records_is_in_the_reference(name: str) -> None:
    told = flat((REFERENCE / "errors.md").read_text())
    sentences = {text for text in constants(SRC / name) if re.match(r"[A-Z].* .*\.$", text, re.DOTALL)}
    assert {text for text in sentences if any(piece not in told for piece in pieces(text))} == set()


def constants(file: Path) -> Iterator[str]:
    """Every text of a module that is no docstring."""
    tree = ast.parse(file.read_text())
    docstrings = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    inner = {id(part) for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for part in node.values}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant | ast.JoinedStr) and id(node) not in docstrings | inner:
            text = literal(node)
            if text:
                yield re.sub(r"\{\w+\}", _HOLE, text)


def test_tests_that_the_page_of_compatibility_calls_witness_are_there() -> None:
    text = (REFERENCE / "compatibility.md").read_text()
    named = re.findall(r"`((?:faces|faults|system|unit)/[a-z_/]+(?:\.py)?)`", text)
    tests = REFERENCE.parents[1] / "tests"
    assert {name for name in named if not (tests / name).exists()} == set()
    assert len(named) > 40


@pytest.mark.parametrize("page", sorted(REFERENCE.glob("*.md")), ids=lambda page: page.stem)
def test_links_between_pages_lead_somewhere(page: Path) -> None:
    links = re.findall(r"\]\(((?!https?:)[^)#]+\.md)", page.read_text())
    assert {link for link in links if not (page.parent / link).exists()} == set()

"""Which spelling of a kind is stored, and what runs it."""

import pytest

from ioruntime.invoker.interpreters import load_families
from ioruntime.model.kinds import Kinds, NoInterpreterError, UnknownKindError

FAMILIES = load_families()
NODE_20_24_PYTHON_9_11 = ("nodejs:20", "nodejs:24", "python:3.9", "python:3.11")


def kinds(*installed: str) -> Kinds:
    return Kinds.of(FAMILIES, installed)


@pytest.mark.parametrize(
    ("text", "installed", "stored"),
    [
        pytest.param("nodejs:14", (), "nodejs:14", id="an exact kind stays"),
        pytest.param("  NodeJS:20 ", (), "nodejs:20", id="blanks and capitals do not count"),
        pytest.param("nodejs", ("nodejs:20", "nodejs:22"), "nodejs:22", id="family: newest installed"),
        pytest.param("nodejs:default", ("nodejs:20",), "nodejs:20", id="default: newest installed"),
        pytest.param("nodejs", (), "nodejs:24", id="none installed: the manifest's default"),
        pytest.param("python:default", ("python:3.9", "python:3.13"), "python:3.13", id="3.13 is newer than 3.9"),
        pytest.param("python", (), "python:3.11", id="python alone"),
        pytest.param("python:3", ("python:3.9",), "python:3", id="an alias stays"),
        pytest.param("nodejs:10-fat", (), "nodejs:10-fat", id="a variant stays"),
    ],
)
def test_accept(text: str, installed: tuple[str, ...], stored: str) -> None:
    assert kinds(*installed).accept(text) == stored


@pytest.mark.parametrize("suffix", ["", "-fat"])
def test_every_version_that_old_manifests_name_is_accepted(suffix: str) -> None:
    names = [f"nodejs:{version}{suffix}" for version in range(6, 27)]
    assert [kinds().accept(name) for name in names] == names


def test_every_python_is_accepted() -> None:
    names = [f"python:3.{version}" for version in range(6, 15)]
    assert [kinds().accept(name) for name in names] == names


@pytest.mark.parametrize(
    "text",
    ["", "cobol", "nodejs:", "nodejs:5", "nodejs:27", "nodejs:020", "nodejs:8-thin", "nodejs:20:default", "nodejs:²0"],
)
def test_unknown_nodes_are_refused(text: str) -> None:
    with pytest.raises(UnknownKindError, match=f"^The specified runtime '{text}' is not supported by this platform"):
        kinds().accept(text)


@pytest.mark.parametrize("text", ["python:2", "python:3.5", "python:3.15", "python:4", "python:3.9-fat", "sequence"])
def test_unknown_pythons_are_refused(text: str) -> None:
    with pytest.raises(UnknownKindError, match=f"^The specified runtime '{text}' is not supported by this platform"):
        kinds().accept(text)


def test_the_refusal_names_the_valid_kinds() -> None:
    small = Kinds.of({"nodejs": FAMILIES["nodejs"]})
    valid = ", ".join(f"'nodejs:{version}'" for version in (14, 16, 18, 20, 22, 24))
    with pytest.raises(ValueError, match="COBOL".lower()) as refusal:
        small.accept("COBOL")
    text = f"The specified runtime 'cobol' is not supported by this platform. Valid values are: {valid}."
    assert str(refusal.value) == text


@pytest.mark.parametrize(
    ("stored", "runs_as"),
    [
        pytest.param("nodejs:20", "nodejs:20", id="the same version"),
        pytest.param("nodejs:20-fat", "nodejs:20", id="a variant runs as its version"),
        pytest.param("nodejs:14", "nodejs:20", id="else the next newer"),
        pytest.param("nodejs:21", "nodejs:24", id="not a nearer older one"),
        pytest.param("nodejs:26", "nodejs:24", id="else the next older"),
        pytest.param("python:3", "python:3.11", id="an alias runs as the default"),
        pytest.param("python:3.10", "python:3.11", id="python 3.10 is newer than 3.9"),
        pytest.param("python:3.14", "python:3.11", id="python: the next older"),
    ],
)
def test_runs_as(stored: str, runs_as: str) -> None:
    assert kinds(*NODE_20_24_PYTHON_9_11).runs_as(stored) == runs_as


def test_a_family_without_interpreter_says_how_to_get_one() -> None:
    with pytest.raises(NoInterpreterError, match=r"'python:3\.9'.*ioruntime runtimes install python:3\.11"):
        kinds("nodejs:24").runs_as("python:3.9")


def test_runs_as_knows_only_kinds() -> None:
    with pytest.raises(UnknownKindError):
        kinds().runs_as("sequence")


def test_the_document_shows_one_default_of_each_family() -> None:
    document = kinds(*NODE_20_24_PYTHON_9_11, "nodejs:23").document()
    assert {family: [kind["kind"] for kind in each if kind["default"]] for family, each in document.items()} == {
        "nodejs": ["nodejs:24"],
        "python": ["python:3.11"],
    }
    nodes = [kind["kind"] for kind in document["nodejs"]]
    assert nodes == [f"nodejs:{version}" for version in (14, 16, 18, 20, 22, 23, 24)]
    assert document["nodejs"][0] == {
        "kind": "nodejs:14",
        "image": "ioruntime/nodejs:14",
        "deprecated": False,
        "default": False,
        "attached": True,
        "requireMain": False,
    }

"""What `ioruntime dev` deploys when files change."""

import os
from pathlib import Path

import pytest

from ioruntime.cli.project.manifest import Project, read_project
from ioruntime.cli.project.watching import Stamps, changed, stamp
from ioruntime.cli.usage import UsageError

MANIFEST = """
packages:
  p:
    actions:
      a: {function: a.js, inputs: {x: '${X}-$Y', n: integer}}
      b: {function: b}
    sequences:
      s: {actions: 'a,/x/y/z'}
"""


@pytest.fixture
def project(tmp_path: Path) -> Project:
    (tmp_path / "b").mkdir()
    for name, content in (("manifest.yml", MANIFEST), ("a.js", "a"), ("b/index.js", "b")):
        (tmp_path / name).write_text(content)
    return read_project(tmp_path / "manifest.yml", {"X": "1"})


def looked(project: Project) -> Stamps:
    return stamp(project.manifest, [entity.source for entity in project.entities if entity.source])


def names(project: Project, before: Stamps) -> list[str]:
    return [entity.name for entity in changed(project, before, looked(project))]


def test_a_manifest_is_read_in_the_order_of_creation(project: Project) -> None:
    assert [entity.name for entity in project.entities] == ["p", "p/a", "p/b", "p/s"]
    assert project.entities[1].document["parameters"] == [{"key": "x", "value": "1-"}, {"key": "n", "value": 0}]
    assert project.entities[3].document["exec"]["components"] == ["/_/p/a", "/x/y/z"]


def test_the_first_look_asks_for_everything(project: Project) -> None:
    assert names(project, {}) == ["p", "p/a", "p/b", "p/s"]


def test_nothing_changed_asks_for_nothing(project: Project) -> None:
    assert names(project, looked(project)) == []


@pytest.mark.parametrize(
    ("file", "expected"),
    [
        pytest.param("a.js", ["p/a"], id="a source file"),
        pytest.param("b/index.js", ["p/b"], id="a file of a folder"),
        pytest.param("b/new.js", ["p/b"], id="a new file of a folder"),
        pytest.param("manifest.yml", ["p", "p/a", "p/b", "p/s"], id="the manifest"),
        pytest.param(".env", ["p", "p/a", "p/b", "p/s"], id="the variables"),
        pytest.param("other.js", [], id="a file that belongs to nothing"),
    ],
)
def test_a_change_asks_for_what_it_is_part_of(project: Project, file: str, expected: list[str]) -> None:
    before = looked(project)
    path = project.manifest.parent / file
    path.write_text("changed, and longer")
    os.utime(path, (1, 1))
    assert names(project, before) == expected


def test_a_source_that_is_gone_is_a_change_and_no_error(project: Project) -> None:
    before = looked(project)
    (project.manifest.parent / "a.js").unlink()
    assert names(project, before) == ["p/a"]
    with pytest.raises(UsageError, match="There is no file"):
        read_project(project.manifest, {})

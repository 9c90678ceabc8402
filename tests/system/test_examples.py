"""The examples do what README and tutorial say of them, through both APIs."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from ioruntime.testing.server import Server

EXAMPLES = Path(__file__).parents[2] / "examples"


@pytest.fixture
def copied(tmp_path: Path) -> Path:
    """The examples, where packages may be installed beside them."""
    shutil.copytree(EXAMPLES, tmp_path / "examples", ignore=shutil.ignore_patterns("node_modules", "__pycache__"))
    (tmp_path / ".venv").symlink_to(sys.prefix)
    return tmp_path / "examples"


def try_example(server: Server, examples: Path, name: str, params: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "try.py", name, params],
        cwd=examples,
        env=os.environ | {"IORUNTIME_CREDENTIALS": str(server.data_dir / "credentials.json")},
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )


@pytest.mark.parametrize(
    ("name", "params", "kind", "said"),
    [
        pytest.param("hello.js", '{"name": "Ada"}', "nodejs", r'"message": "Hello, Ada!", "node": "v\d+', id="hello.js"),
        pytest.param("hello.py", '{"name": "Ada"}', "python", r'"message": "Hello, Ada!", "python": "3\.\d+', id="hello.py"),
        pytest.param("words", '{"text": "to be or not to be"}', "python", r'"to": 2', id="words, a zip of several files"),
    ],
)
def test_example(server: Server, copied: Path, name: str, params: str, kind: str, said: str) -> None:
    first, second = (try_example(server, copied, name, params) for _ in range(2))
    for done in (first, second):
        assert done.returncode == 0, done.stderr
        assert len(re.findall(said, done.stdout)) == 2, done.stdout
        assert re.search(rf"^deployed    guest/\S+ \S+ as {kind}:", done.stdout)
        assert re.search(r"^OpenWhisk   .* in \d+ ms$", done.stdout, re.MULTILINE)
    assert (" 0.0.1 as " in first.stdout, " 0.0.2 as " in second.stdout) == (True, True)


@pytest.mark.clients
@pytest.mark.timeout(120)
def test_example_with_a_package_of_npm(server: Server, copied: Path) -> None:
    done = try_example(server, copied, "slug", '{"title": "Ein Tag am Meer"}')
    if "npm" in done.stderr and done.returncode != 0:
        reason = f"npm cannot install here: {done.stderr[-300:]}"
        pytest.fail(reason) if os.environ.get("CI") == "true" else pytest.skip(reason)
    assert done.returncode == 0, done.stderr
    assert len(re.findall(r"ein-tag-am-meer", done.stdout)) == 2, done.stdout

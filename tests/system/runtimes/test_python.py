"""The Python runtime's side of the action proxy protocol: one row per rule."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import pytest

from ioruntime.ports.sandbox import Interpreter

if TYPE_CHECKING:
    from tests.system.runtimes.conftest import Start

Package = Callable[[Mapping[str, str]], str]

NOT_A_DICTIONARY = {"error": "The action did not return a dictionary or array."}
NO_BINARY = {"error": "The action failed to generate or locate a binary. See logs for details."}
NO_START = {"error": "Cannot start action. Check logs for details."}

ACTIVATE_THIS = """
import os, sys
base = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, os.path.join(base, "lib", "python3.9", "site-packages"))
"""


@pytest.mark.parametrize(
    ("code", "status", "body"),
    [
        pytest.param("def main(args): return {'a': 1}", 200, {"a": 1}, id="returns a dictionary"),
        pytest.param("def main(args): return [1]", 200, [1], id="returns a list"),
        pytest.param("def main(args): pass", 200, None, id="returns nothing"),
        pytest.param("def main(args): return 'text'", 502, NOT_A_DICTIONARY, id="returns a string"),
        pytest.param("def main(args): return 3", 502, NOT_A_DICTIONARY, id="returns a number"),
        pytest.param("def main(args): return True", 502, NOT_A_DICTIONARY, id="returns a boolean"),
        pytest.param("def main(args): return {'error': 'x'}", 200, {"error": "x"}, id="returns an error"),
        pytest.param("async def main(args): return {'a': 1}", 200, {"a": 1}, id="async function"),
        pytest.param("def main(args): return args", 200, {"key": "ünï ✓ 日本 \U0001f600"}, id="unicode"),
        pytest.param("def main(args): return {'a': '\\ud800'}", 200, {"a": "?"}, id="half a character"),
        pytest.param("def main(args): return {'a': __name__}", 200, {"a": "main__"}, id="name of the module"),
        pytest.param("import main__\ndef main(args): return {'a': main__.main is main}", 200, {"a": True}, id="itself"),
    ],
)
def test_results(start: Start, python: Interpreter, code: str, status: int, body: Any) -> None:
    proxy = start(python)
    assert proxy.init(code).status == 200
    answer = proxy.run({"key": "ünï ✓ 日本 \U0001f600"})
    assert (answer.status, answer.body) == (status, body)


@pytest.mark.parametrize("prefix", ["", "async "])
def test_an_exception_is_an_application_error(start: Start, python: Interpreter, prefix: str) -> None:
    proxy = start(python)
    proxy.init(f"{prefix}def main(args):\n    raise ValueError('bäd')")
    answer = proxy.run()
    assert (answer.status, answer.body) == (200, {"error": "bäd"})
    assert 'main__.py", line 2, in main\n    raise ValueError' in proxy.stderr
    assert proxy.stderr.endswith("ValueError: bäd\n")
    assert "ioruntime_proxy" not in proxy.stderr or prefix
    assert proxy.run().body == {"error": "bäd"}


@pytest.mark.parametrize(
    ("statement", "log"),
    [
        pytest.param("sys.exit(3)", "", id="sys.exit"),
        pytest.param("exit()", "", id="exit"),
        pytest.param("return {'a': object()}", "not JSON serializable", id="not JSON"),
        pytest.param("return {'a': {1, 2}}", "not JSON serializable", id="a set"),
        pytest.param("a = {}; a['a'] = a; return a", "Circular reference", id="a cycle"),
    ],
)
@pytest.mark.parametrize("concurrent", [False, True])
def test_the_command_exits(start: Start, python: Interpreter, statement: str, log: str, *, concurrent: bool) -> None:
    proxy = start(python)
    proxy.init(f"import sys\ndef main(args):\n    print('out')\n    {statement}", concurrent=concurrent)
    answer = proxy.run(activation_id="a1")
    assert (answer.status, answer.body) == (400, {"error": "command exited"})
    assert proxy.stdout == ("\x1da1\x1dout\n" if concurrent else "out\n")
    assert log in proxy.stderr
    assert proxy.process.wait() == 1


@pytest.mark.parametrize(
    ("value", "body", "log"),
    [
        pytest.param({"code": "def main(:"}, NO_BINARY, "SyntaxError", id="syntax error"),
        pytest.param({"code": "import missing_module"}, NO_START, "No module named 'missing_module'", id="import error"),
        pytest.param({"code": "\n1 / 0"}, NO_START, 'main__.py", line 2', id="names file and line"),
        pytest.param({"code": "import sys; sys.exit(1)"}, NO_START, "", id="exits while it loads"),
        pytest.param({"code": "a = 1"}, NO_START, "main", id="no main"),
        pytest.param({"code": "main = 1"}, NO_START, "'main' is not callable", id="main is no function"),
    ],
)
def test_code_that_does_not_load(
    start: Start, python: Interpreter, value: dict[str, str], body: dict[str, str], log: str
) -> None:
    proxy = start(python)
    answer = proxy.init(**value)
    assert (answer.status, answer.body) == (502, body)
    assert log in proxy.stderr
    assert proxy.run().status == 500


def test_a_package_imports_its_own_modules(start: Start, python: Interpreter, package: Package) -> None:
    entry = "import os, near, http_\nfrom deep import far\ndef main(args): return {**near.A, **far.B, 'cwd': os.getcwd()}"
    files = {"__main__.py": entry, "near.py": "A = {'a': 1}", "http_.py": "", "deep/far.py": "B = {'b': 2}"}
    proxy = start(python)
    folder = package({**files, "deep/__init__.py": ""})
    assert proxy.init(directory=folder, binary=True).body == {"ok": True}
    assert proxy.run().body == {"a": 1, "b": 2, "cwd": folder}


def test_a_package_needs_its_entry_file(start: Start, python: Interpreter, package: Package) -> None:
    proxy = start(python)
    answer = proxy.init(directory=package({"other.py": ""}), binary=True)
    assert (answer.status, answer.body) == (502, NO_BINARY)
    assert proxy.stderr == "Zip file does not include __main__.py.\n"


@pytest.mark.parametrize("scripts", ["bin", "Scripts"])
def test_a_virtual_environment_is_activated(start: Start, python: Interpreter, package: Package, scripts: str) -> None:
    files = {
        "__main__.py": "import dep\ndef main(args): return dep.A",
        f"virtualenv/{scripts}/activate_this.py": ACTIVATE_THIS,
        "virtualenv/lib/python3.9/site-packages/dep.py": "A = {'a': 1}",
    }
    proxy = start(python)
    proxy.init(directory=package(files), binary=True)
    assert proxy.run().body == {"a": 1}


def test_a_broken_virtual_environment_is_named(start: Start, python: Interpreter, package: Package) -> None:
    proxy = start(python)
    answer = proxy.init(directory=package({"__main__.py": "", "virtualenv/lib/x": ""}), binary=True)
    assert (answer.status, answer.body) == (502, NO_START)
    assert proxy.stderr == "Invalid virtualenv. Zip file does not include 'activate_this.py'.\n"


def test_main_names_the_function(start: Start, python: Interpreter) -> None:
    proxy = start(python)
    proxy.init("def go(args): return {'a': 1}", main="go")
    assert proxy.run().body == {"a": 1}


def test_a_closed_output_harms_nothing(start: Start, python: Interpreter) -> None:
    proxy = start(python)
    proxy.init("import sys\ndef main(args):\n    sys.stdout.close(); sys.stderr = None; return {'a': 1}")
    assert proxy.run().body == {"a": 1}
    assert proxy.run().status == 200


def test_packages_of_the_interpreter_can_be_imported(start: Start, python: Interpreter) -> None:
    proxy = start(python)
    proxy.init("import sys\ndef main(args): return {'path': sys.path, 'name': sys.path[0]}")
    path = proxy.run().body["path"]
    assert any(folder.endswith(("site-packages", "dist-packages")) for folder in path)
    assert not any("ioruntime" in folder for folder in path[1:])

"""The Node runtime's side of the action proxy protocol: one row per rule."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import pytest

from ioruntime.ports.sandbox import Interpreter

if TYPE_CHECKING:
    from tests.system.runtimes.conftest import Start

Package = Callable[[Mapping[str, str]], str]

NOT_A_DICTIONARY = {"error": "The action did not return a dictionary."}


@pytest.mark.parametrize(
    ("code", "status", "body"),
    [
        pytest.param("function main() { return {a: 1} }", 200, {"a": 1}, id="returns an object"),
        pytest.param("function main() { return [1, 2] }", 200, [1, 2], id="returns an array"),
        pytest.param("function main() { }", 200, {}, id="returns nothing"),
        pytest.param("function main() { return 'text' }", 502, NOT_A_DICTIONARY, id="returns a string"),
        pytest.param("function main() { return 3 }", 502, NOT_A_DICTIONARY, id="returns a number"),
        pytest.param("function main() { return false }", 502, NOT_A_DICTIONARY, id="returns a boolean"),
        pytest.param("function main() { return () => 1 }", 502, NOT_A_DICTIONARY, id="returns a function"),
        pytest.param("function main() { return null }", 200, None, id="returns null"),
        pytest.param("function main() { return Promise.resolve('x') }", 502, NOT_A_DICTIONARY, id="promise of a string"),
        pytest.param("async function main() { return {a: 1} }", 200, {"a": 1}, id="async function"),
        pytest.param("function main() { return Promise.resolve() }", 200, {}, id="promise of nothing"),
        pytest.param("function main() { return Promise.reject('no') }", 200, {"error": "no"}, id="rejects with a value"),
        pytest.param("function main() { return Promise.reject({c: 4}) }", 200, {"error": {"c": 4}}, id="with an object"),
        pytest.param("function main() { return Promise.reject() }", 200, {"error": {}}, id="rejects with nothing"),
        pytest.param(
            "function main() { const a = {b: 1}; a.a = a; return Promise.reject(a) }",
            200,
            {"error": {"b": 1, "a": "[Circular]"}},
            id="rejects with a cycle",
        ),
        pytest.param("function main() { return {error: 'x'} }", 200, {"error": "x"}, id="returns an error"),
        pytest.param(
            "function main() { throw new Error('bad') }", 502, {"error": "An error has occurred: Error: bad"}, id="throws"
        ),
        pytest.param("function main() { throw 'bad' }", 502, {"error": "An error has occurred: bad"}, id="throws a string"),
        pytest.param("exports.main = () => ({a: 1})", 200, {"a": 1}, id="exports.main"),
        pytest.param("module.exports.main = () => ({a: 1})", 200, {"a": 1}, id="module.exports.main"),
        pytest.param("module.exports = {main: () => ({a: 1})}", 200, {"a": 1}, id="module.exports"),
        pytest.param("const main = () => ({a: 1}) // last", 200, {"a": 1}, id="constant and a last comment"),
        pytest.param("'use strict';\nfunction main() { return {a: this === undefined} }", 200, {"a": True}, id="strict"),
        pytest.param("function main(args) { return args }", 200, {"key": "ünï ✓ 日本 \U0001f600"}, id="unicode"),
        pytest.param(
            r"function main() { return {a: '\ud800', b: '\\ud800'} }",
            200,
            {"a": "\ufffd", "b": "\\ud800"},
            id="half a character",
        ),
        pytest.param(
            "const path = require('path'); exports.main = () => ({a: path.join('b', 'c')})",
            200,
            {"a": "b/c"},
            id="requires a built-in module",
        ),
        pytest.param("async function main() { return {a: (await import('path')).sep} }", 200, {"a": "/"}, id="dynamic import"),
    ],
)
def test_results(start: Start, nodejs: Interpreter, code: str, status: int, body: Any) -> None:
    proxy = start(nodejs)
    assert proxy.init(code).status == 200
    answer = proxy.run({"key": "ünï ✓ 日本 \U0001f600"})
    assert (answer.status, answer.body) == (status, body)


@pytest.mark.parametrize("code", ["function main() { return Promise.reject(e()) }", "async function main() { throw e() }"])
def test_a_rejection_is_serialised(start: Start, nodejs: Interpreter, code: str) -> None:
    proxy = start(nodejs)
    proxy.init(code + "\nfunction e() { return Object.assign(new TypeError('no'), {code: 'E1', status: 418}) }")
    answer = proxy.run()
    error = answer.body["error"]
    stack = error.pop("stack")
    assert (answer.status, error) == (200, {"name": "TypeError", "message": "no", "code": "E1", "status": 418})
    assert "index.js:2:" in stack


def test_a_throw_prints_its_stack_and_the_action_goes_on(start: Start, nodejs: Interpreter) -> None:
    proxy = start(nodejs)
    proxy.init("let calls = 0;\nfunction main() { if (calls++ == 0) throw new Error('bad'); return {calls} }")
    assert proxy.run().status == 502
    assert "Error: bad" in proxy.stderr
    assert "index.js:2:" in proxy.stderr
    assert proxy.run().body == {"calls": 2}


def test_a_result_of_another_type_is_named_on_stderr(start: Start, nodejs: Interpreter) -> None:
    proxy = start(nodejs)
    proxy.init("function main() { return 'text' }")
    proxy.run()
    assert proxy.stderr == 'Result must be of type object but has type "string": text\n'


def test_a_result_that_is_not_json_is_refused(start: Start, nodejs: Interpreter) -> None:
    proxy = start(nodejs)
    proxy.init("function main() { const a = {}; a.a = a; return a }")
    answer = proxy.run()
    assert answer.status == 502
    assert answer.body["error"].startswith("An error has occurred: TypeError")


@pytest.mark.parametrize(
    ("value", "text"),
    [
        pytest.param({"code": "function main( {"}, "SyntaxError", id="syntax error"),
        pytest.param({"code": "require('missing-module')"}, "Cannot find module 'missing-module'", id="missing module"),
        pytest.param({"code": "\nthrow new Error('early')"}, "Error: early\n", id="throws while it loads"),
        pytest.param({"code": "\nthrow new Error('early')"}, "index.js:2:", id="names file and line"),
        pytest.param({"code": "var main = 3"}, "Action entrypoint 'main' is not a function.", id="no function"),
        pytest.param({"code": "1", "main": "x"}, "Action entrypoint 'x' is not a function.", id="no such name"),
        pytest.param({"code": "1", "main": "a b"}, "Action entrypoint 'a b' is not a function.", id="not a name"),
    ],
)
def test_code_that_does_not_load(start: Start, nodejs: Interpreter, value: dict[str, str], text: str) -> None:
    proxy = start(nodejs)
    answer = proxy.init(**value)
    assert answer.status == 502
    assert answer.body["error"].startswith("Initialization has failed due to: ")
    assert text in answer.body["error"]
    assert proxy.run().body == {"error": "System not initialized."}
    assert proxy.init("function main() {}").body == {"error": "System not ready, status is stopped."}


@pytest.mark.parametrize(
    ("files", "main", "body"),
    [
        pytest.param({"index.js": "exports.main = () => ({a: 1})"}, "main", {"a": 1}, id="index.js"),
        pytest.param(
            {"package.json": '{"main": "lib/a.js"}', "lib/a.js": "exports.main = () => ({a: 1})"},
            "main",
            {"a": 1},
            id="main of package.json",
        ),
        pytest.param(
            {"index.js": "", "lib/b.js": "exports.go = () => ({a: __filename.slice(-8)})"},
            "lib/b.go",
            {"a": "lib/b.js"},
            id="file.function",
        ),
        pytest.param(
            {
                "index.js": "exports.main = () => require('dep')",
                "node_modules/dep/index.js": "module.exports = {dep: require('./x.json')}",
                "node_modules/dep/x.json": "[1]",
            },
            "main",
            {"dep": [1]},
            id="node_modules",
        ),
        pytest.param(
            {"index.js": "exports.main = () => ({a: require('fs').readFileSync('data.txt', 'utf8')})", "data.txt": "x"},
            "main",
            {"a": "x"},
            id="runs in its directory",
        ),
        pytest.param(
            {
                "package.json": '{"type": "module"}',
                "index.js": "import {sep} from 'path'; import {b} from './b.js'; export const main = () => ({sep, b})",
                "b.js": "export const b = await Promise.resolve(2)",
            },
            "main",
            {"sep": "/", "b": 2},
            id="ES module",
        ),
        pytest.param(
            {"package.json": '{"main": "a.mjs"}', "a.mjs": "export default {main: () => ({a: 1})}"},
            "main",
            {"a": 1},
            id="mjs with a default export",
        ),
    ],
)
def test_packages(start: Start, nodejs: Interpreter, package: Package, files: dict[str, str], main: str, body: Any) -> None:
    proxy = start(nodejs)
    assert proxy.init(directory=package(files), main=main, binary=True).body == {"ok": True}
    assert proxy.run().body == body
    assert proxy.stderr == ""


def test_a_package_needs_an_entry(start: Start, nodejs: Interpreter, package: Package) -> None:
    answer = start(nodejs).init(directory=package({"other.js": ""}), binary=True)
    text = "Zipped actions must contain either package.json or index.js at the root."
    assert (answer.status, answer.body) == (502, {"error": f"Initialization has failed due to: {text}"})


def test_source_runs_in_the_working_directory(start: Start, nodejs: Interpreter, package: Package) -> None:
    proxy = start(nodejs)
    folder = package({"near.js": "exports.a = 1"})
    proxy.init("exports.main = () => ({...require('./near'), cwd: process.cwd()})", working_directory=folder)
    assert proxy.run().body == {"a": 1, "cwd": folder}


@pytest.mark.parametrize("main", ["go", "api.go", "exports.go"])
def test_main_names_the_function(start: Start, nodejs: Interpreter, main: str) -> None:
    proxy = start(nodejs)
    proxy.init("function go() { return {a: 1} }\nconst api = {go};\nexports.go = go", main=main)
    assert proxy.run().body == {"a": 1}


def test_a_run_needs_an_object(start: Start, nodejs: Interpreter) -> None:
    proxy = start(nodejs)
    proxy.init("function main(args) { return args }")
    assert proxy.run("text").status == 403
    assert proxy.post("/run", {}).body == {}
    assert proxy.post("/run", {"value": None}).body == {}
    assert proxy.run([1]).body == [1]

"""How each way that an action may end shows to its caller, in real sandboxes (action proxy protocol, 1.3, 3 and 4)."""

import base64
import io
import re
import zipfile
from collections.abc import Mapping
from typing import Any

import msgspec
import pytest

from ioruntime.model.activation import new_activation_id
from ioruntime.testing.server import Server, ServerClient

NODE, PYTHON = "nodejs:default", "python:default"
SUCCESS, APPLICATION, DEVELOPER = "success", "application error", "action developer error"
EXITED = "The action did not produce a valid response and exited unexpectedly."
UNREADY = "The action did not initialize and exited unexpectedly."
NO_OBJECT = "The action did not return a dictionary."
NOT_JSON = "The action did not produce a valid JSON or JSON Array response: "
MEMORY = "The action exhausted its memory and was aborted."
FAILED = "Initialization has failed due to: "
NO_BINARY = (
    r"(The action failed to generate or locate a binary. See logs for details.|Cannot start action. Check logs for details.)"
)
SIZE = 2 * 1024 * 1024


def archive(files: Mapping[str, str]) -> str:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as writer:
        for name, text in files.items():
            writer.writestr(name, text)
    return base64.b64encode(packed.getvalue()).decode()


def row(title: str, kind: str, code: str, status: str, result: Any, **more: Any) -> Any:
    """Build one row; a `Text` is searched for in the `error` of the result."""
    return pytest.param(kind, code, status, result, more, id=f"{kind.partition(':')[0]} {title}")


class Text(msgspec.Struct, frozen=True):
    """An error of which only a part is the same everywhere."""

    pattern: str


def exactly(message: str) -> Any:
    return {"error": message}


SHORT = {"timeout": 500}
SMALL = {"memory": 128, "timeout": 15_000}

NODE_ROWS = [
    row("object", NODE, "main = ({a}) => ({a})", SUCCESS, {"a": [1, None, "é"]}, payload={"a": [1, None, "é"]}),
    row("nothing", NODE, "function main() {}", SUCCESS, {}),
    row("promise", NODE, "const main = async () => ({later: true})", SUCCESS, {"later": True}),
    row("array", NODE, "function main() { return [1, {a: 2}] }", SUCCESS, [1, {"a": 2}]),
    row("error in the result", NODE, "function main() { return {error: {code: 7}} }", APPLICATION, {"error": {"code": 7}}),
    row("error is null", NODE, "function main() { return {error: null} }", APPLICATION, {"error": None}),
    row("rejected with a value", NODE, "function main() { return Promise.reject('no') }", APPLICATION, exactly("no")),
    row("rejected with nothing", NODE, "function main() { return Promise.reject() }", APPLICATION, {"error": {}}),
    row("throws", NODE, "function main() { throw new Error('oh') }", DEVELOPER, exactly("An error has occurred: Error: oh")),
    row("string", NODE, "function main() { return 'x' }", DEVELOPER, exactly(NO_OBJECT)),
    row("number", NODE, "function main() { return 7 }", DEVELOPER, exactly(NO_OBJECT)),
    row("null", NODE, "function main() { return null }", DEVELOPER, exactly(NOT_JSON + "null")),
    row("exits", NODE, "function main() { process.exit(0) }", DEVELOPER, exactly(EXITED)),
    row("exits at load", NODE, "process.exit(1)", DEVELOPER, exactly(UNREADY)),
    row("syntax error", NODE, "function main( {", DEVELOPER, Text(f"^{FAILED}.*SyntaxError")),
    row("throws at load", NODE, "throw new TypeError('early')", DEVELOPER, Text(f"^{FAILED}.*TypeError: early")),
    row("unknown module", NODE, "const x = require('no-such-module')", DEVELOPER, Text("no-such-module")),
    row("no main", NODE, "const other = 1", DEVELOPER, Text(f"^{FAILED}.*'main' is not a function")),
    row("missing function", NODE, "function main() {}", DEVELOPER, Text("'go' is not a function"), main="go"),
    row("other function", NODE, "function go() { return {went: true} }", SUCCESS, {"went": True}, main="go"),
    row("empty code", NODE, "", DEVELOPER, exactly("Missing main/no code to execute.")),
    row(
        "never settles",
        NODE,
        "const main = () => new Promise(() => 0)",
        DEVELOPER,
        exactly("The action exceeded its time limits of 500 milliseconds."),
        limits=SHORT,
    ),
    row(
        "loads for ever",
        NODE,
        "while (true);",
        DEVELOPER,
        exactly("The action exceeded its time limits of 500 milliseconds during initialization."),
        limits=SHORT,
    ),
    row(
        "takes all memory",
        NODE,
        "function main() { const all = []; while (true) all.push(Buffer.alloc(1 << 24, 1)) }",
        DEVELOPER,
        exactly(MEMORY),
        limits=SMALL,
    ),
    row(
        "large result",
        NODE,
        f"function main() {{ return {{big: 'x'.repeat({SIZE})}} }}",
        APPLICATION,
        Text(r"^The action produced a response that exceeded the allowed length: 20971\d\d > 1048576 bytes\. The truncated"),
    ),
    row("zip", NODE, archive({"index.js": "exports.main = () => ({from: 'zip'})"}), SUCCESS, {"from": "zip"}),
    row(
        "zip with a package",
        NODE,
        archive(
            {"package.json": '{"main": "lib/a.js"}', "lib/a.js": "exports.go = () => require('./b')", "lib/b.json": '{"b": 1}'}
        ),
        SUCCESS,
        {"b": 1},
        main="go",
    ),
    row(
        "zip without entry",
        NODE,
        archive({"readme.txt": "nothing"}),
        DEVELOPER,
        Text("Zipped actions must contain either package.json or index.js at the root."),
    ),
    row(
        "broken zip",
        NODE,
        base64.b64encode(b"PK\x03\x04 not really").decode(),
        DEVELOPER,
        Text("uncompressing the action archive"),
    ),
    row(
        "not an archive", NODE, base64.b64encode(b"\x7fELF" + bytes(50)).decode(), DEVELOPER, Text("The file type is unsupported")
    ),
]

PYTHON_ROWS = [
    row("object", PYTHON, "def main(a): return {'a': a['a']}", SUCCESS, {"a": [1, None, "é"]}, payload={"a": [1, None, "é"]}),
    row("array", PYTHON, "def main(a): return [1, {'a': 2}]", SUCCESS, [1, {"a": 2}]),
    row("error in the result", PYTHON, "def main(a): return {'error': 7}", APPLICATION, {"error": 7}),
    row("raises", PYTHON, "def main(a): raise ValueError('oh')", APPLICATION, exactly("oh"), logs=r"stderr: .*ValueError: oh"),
    row("nothing", PYTHON, "def main(a): pass", DEVELOPER, exactly(NOT_JSON + "null")),
    row("string", PYTHON, "def main(a): return 'x'", DEVELOPER, exactly("The action did not return a dictionary or array.")),
    row("number", PYTHON, "def main(a): return 7", DEVELOPER, exactly("The action did not return a dictionary or array.")),
    row("not for JSON", PYTHON, "def main(a): return {'a': object()}", DEVELOPER, exactly("command exited")),
    row("exits", PYTHON, "import sys\ndef main(a): sys.exit(0)", DEVELOPER, exactly("command exited")),
    row("syntax error", PYTHON, "def main(a: return", DEVELOPER, Text(NO_BINARY), logs=r"SyntaxError"),
    row("unknown module", PYTHON, "import no_such\ndef main(a): pass", DEVELOPER, Text(NO_BINARY), logs=r"no_such"),
    row("no main", PYTHON, "def other(a): pass", DEVELOPER, Text(NO_BINARY)),
    row("other function", PYTHON, "def go(a): return {'went': True}", SUCCESS, {"went": True}, main="go"),
    row("empty code", PYTHON, "", DEVELOPER, exactly("Missing main/no code to execute.")),
    row(
        "never returns",
        PYTHON,
        "import time\ndef main(a): time.sleep(60)",
        DEVELOPER,
        exactly("The action exceeded its time limits of 500 milliseconds."),
        limits=SHORT,
    ),
    row(
        "loads for ever",
        PYTHON,
        "while True: pass",
        DEVELOPER,
        exactly("The action exceeded its time limits of 500 milliseconds during initialization."),
        limits=SHORT,
    ),
    row(
        "takes all memory",
        PYTHON,
        "def main(a):\n  all = []\n  while True: all.append(b'1' * (1 << 24))",
        DEVELOPER,
        exactly(MEMORY),
        limits=SMALL,
    ),
    row(
        "large result",
        PYTHON,
        f"def main(a): return {{'big': 'x' * {SIZE}}}",
        APPLICATION,
        Text(r"exceeded the allowed length: 20971\d\d > 1048576 bytes"),
    ),
    row(
        "zip",
        PYTHON,
        archive({"__main__.py": "from part import x\ndef main(a): return {'x': x}", "part.py": "x = 1"}),
        SUCCESS,
        {"x": 1},
    ),
    row(
        "zip without entry", PYTHON, archive({"other.py": ""}), DEVELOPER, Text(r"."), logs=r"(?i)zip file does not include.*main"
    ),
    row(
        "broken zip",
        PYTHON,
        base64.b64encode(b"PK\x03\x04 not really").decode(),
        DEVELOPER,
        Text("uncompressing the action archive"),
    ),
]

HTTP = {SUCCESS: 200, APPLICATION: 502, DEVELOPER: 502}


@pytest.fixture(scope="module")
def neighbour(server: Server) -> ServerClient:
    client = server.namespace(f"neighbour{new_activation_id()[:12]}")
    client.put_action("fine", "main = () => ({fine: true})")
    return client


@pytest.mark.parametrize(("kind", "code", "status", "result", "more"), NODE_ROWS + PYTHON_ROWS)
def test_outcome(
    space: ServerClient, neighbour: ServerClient, kind: str, code: str, status: str, result: Any, more: dict[str, Any]
) -> None:
    fields = {name: more[name] for name in ("main", "limits") if name in more}
    space.put_action("a", code, kind, **fields)
    answer = space.invoke("a", more.get("payload", {}))
    assert answer.status == HTTP[status], answer.body
    record = space.record(answer.headers["x-openwhisk-activation-id"])
    response = record["response"]
    assert (response["status"], response["success"]) == (status, status == SUCCESS), response
    if isinstance(result, Text):
        assert re.search(result.pattern, str(response["result"]["error"]), re.DOTALL), response
    else:
        assert response["result"] == result
    shown = answer.json()
    assert (shown if isinstance(result, list) else shown["response"]["result"]) == response["result"]
    assert re.search(more.get("logs", ""), "\n".join(record["logs"])), record["logs"]
    assert_annotations(record, timed_out="exceeded its time limits" in str(response["result"]))
    assert neighbour.invoke("fine").json()["response"]["result"] == {"fine": True}


def assert_annotations(record: Mapping[str, Any], *, timed_out: bool) -> None:
    annotations = {each["key"]: each["value"] for each in record["annotations"]}
    assert annotations["path"] == f"{record['namespace']}/a"
    assert annotations["timeout"] is timed_out
    assert {"kind", "limits", "waitTime", "initTime"} <= annotations.keys()
    assert record["end"] - record["start"] == record["duration"]


def annotation(record: Mapping[str, Any], key: str) -> Any:
    return {each["key"]: each["value"] for each in record["annotations"]}.get(key)


@pytest.mark.parametrize(
    ("kind", "code"),
    [
        (NODE, "let n = 0; function main({fail}) { n += 1; return fail ? {error: n} : {n} }"),
        (PYTHON, "n = 0\ndef main(a):\n  global n\n  n += 1\n  return {'error': n} if a.get('fail') else {'n': n}"),
    ],
)
def test_a_sandbox_stays_warm_after_success_and_application_error(space: ServerClient, kind: str, code: str) -> None:
    space.put_action("a", code, kind)
    records = [space.invoke("a", payload).json() for payload in ({}, {"fail": True}, {})]
    assert [record["response"]["result"] for record in records] == [{"n": 1}, {"error": 2}, {"n": 3}]
    assert [annotation(record, "initTime") is None for record in records] == [False, True, True]


def test_a_sandbox_goes_after_a_developer_error(space: ServerClient) -> None:
    space.put_action("a", "let n = 0; function main({fail}) { n += 1; if (fail) throw n; return {n} }")
    assert space.invoke("a").json()["response"]["result"] == {"n": 1}
    assert space.invoke("a", {"fail": True}).status == 502
    record = space.invoke("a").json()
    assert record["response"]["result"] == {"n": 1}
    assert annotation(record, "initTime") is not None


def test_an_update_is_run_by_a_new_sandbox(space: ServerClient) -> None:
    for version in range(3):
        space.put_action("a", f"main = () => ({{version: {version}}})", overwrite=version > 0)
        record = space.invoke("a").json()
        assert (record["response"]["result"], record["version"]) == ({"version": version}, f"0.0.{version + 1}")


LINE = re.compile(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z (stdout|stderr): (.*)$", re.DOTALL)


@pytest.mark.parametrize(
    ("kind", "code"),
    [
        (NODE, "function main() { console.log('one'); console.error('two'); console.log('thréé'); return {} }"),
        (PYTHON, "import sys\ndef main(a):\n  print('one'); print('two', file=sys.stderr); print('thréé')\n  return {}"),
    ],
)
def test_logs_have_time_and_stream_and_no_sentinel(space: ServerClient, kind: str, code: str) -> None:
    space.put_action("a", code, kind)
    id_ = space.invoke("a").json()["activationId"]
    logs = space.request("GET", f"/api/v1/namespaces/_/activations/{id_}/logs").json()["logs"]
    lines = [LINE.fullmatch(line) for line in logs]
    assert all(lines), logs
    by_stream = sorted((line[1], line[2]) for line in lines if line)
    assert by_stream == [("stderr", "two"), ("stdout", "one"), ("stdout", "thréé")]
    assert logs == sorted(logs) or len(logs) == 3


def test_logs_are_cut_at_their_limit(space: ServerClient) -> None:
    code = "function main() { for (let i = 0; i < 3000; i++) console.log('x'.repeat(1000)); return {} }"
    space.put_action("a", code, limits={"logs": 1})
    record = space.record(space.invoke("a").json()["activationId"])
    assert record["response"]["success"]
    limit = 1024 * 1024
    assert record["logs"][-1].endswith(f"Logs were truncated because the total bytes size exceeds the limit of {limit} bytes.")
    assert limit // 2 < sum(map(len, record["logs"])) < limit * 1.1


def test_no_logs_are_kept_when_the_limit_is_0(space: ServerClient) -> None:
    space.put_action("a", "function main() { console.log('x'); return {} }", limits={"logs": 0})
    record = space.record(space.invoke("a").json()["activationId"])
    assert len(record["logs"]) <= 1
    assert "stdout: x" not in str(record["logs"])


def test_a_developer_error_keeps_what_was_logged(space: ServerClient) -> None:
    space.put_action("a", "function main() { console.log('before'); process.exit(1) }")
    record = space.record(space.invoke("a").headers["x-openwhisk-activation-id"])
    assert record["logs"][0].endswith("stdout: before")
    assert record["logs"][-1].endswith("The action did not initialize or run as expected. Log data might be missing.")


@pytest.mark.parametrize(
    "kind",
    [pytest.param("nodejs:14", id="an old Node"), pytest.param("python:3", id="an old Python name"), NODE, PYTHON],
)
def test_the_record_tells_which_kind_ran(server: Server, space: ServerClient, kind: str) -> None:
    code = {
        "nodejs": "main = () => ({version: process.version.slice(1)})",
        "python": "import platform\ndef main(a): return {'version': platform.python_version()}",
    }[kind.partition(":")[0]]
    accepted = space.request("PUT", "/api/v1/namespaces/_/actions/a", {"exec": {"kind": kind, "code": code}})
    if accepted.status == 400:
        assert "not supported by this platform" in accepted.json()["error"]
        return
    record = space.invoke("a").json()
    family, _, version = annotation(record, "kind").partition(":")
    assert family == kind.partition(":")[0]
    assert record["response"]["result"]["version"].startswith(f"{version}.")


def test_waiting_may_end_before_the_activation(space: ServerClient) -> None:
    space.put_action("a", "const main = () => new Promise((done) => setTimeout(() => done({late: true}), 700))")
    answer = space.request("POST", "/api/v1/namespaces/_/actions/a?blocking=true&timeout=100")
    assert (answer.status, list(answer.json())) == (202, ["activationId"])
    assert space.ended(answer.json()["activationId"])["response"]["result"] == {"late": True}


def test_the_environment_of_a_run(server: Server, space: ServerClient) -> None:
    space.put_action(
        "a", "main = () => Object.fromEntries(Object.entries(process.env).filter(([key]) => key.startsWith('__OW_')))"
    )
    answer = space.invoke("a")
    result, id_ = answer.json()["response"]["result"], answer.headers["x-openwhisk-activation-id"]
    name = answer.json()["namespace"]
    assert result["__OW_API_HOST"] == server.url
    assert (result["__OW_NAMESPACE"], result["__OW_ACTION_NAME"], result["__OW_ACTIVATION_ID"]) == (name, f"/{name}/a", id_)
    assert 0 < int(result["__OW_DEADLINE"]) - answer.json()["start"] <= 61_000
    assert "__OW_API_KEY" not in result

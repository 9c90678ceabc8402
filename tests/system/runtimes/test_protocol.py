"""What every runtime promises of the action proxy protocol, whatever its language."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING, Any

import pytest

from ioruntime.ports.sandbox import Interpreter

if TYPE_CHECKING:
    from pathlib import Path

    from tests.system.runtimes.conftest import Start

ECHO = {"nodejs": "function main(args) { return args }", "python": "def main(args): return args"}

ENVIRONMENT = {
    "nodejs": "const early = {...process.env}; exports.main = () => ({early, late: process.env})",
    "python": "import os\nearly = dict(os.environ)\ndef main(args): return {'early': early, 'late': dict(os.environ)}",
}

COUNTER = {
    "nodejs": "let calls = 0; function main() { return {calls: ++calls} }",
    "python": "calls = 0\ndef main(args):\n  global calls\n  calls += 1\n  return {'calls': calls}",
}

TALKER = {
    "nodejs": """function main({mb}) {
        process.stdout.write('\\x00\\xff HTTP/1.1 200 OK\\r\\n\\r\\n');
        const line = Buffer.alloc(1 << 20, 'x');
        for (let i = 0; i < mb; i++) process.stdout.write(line);
        console.error('last');
        return {a: 1};
    }""",
    "python": """
import sys
def main(args):
    print('\\x00\\xff HTTP/1.1 200 OK\\r\\n\\r\\n', end='')
    for _ in range(args['mb']): sys.stdout.write('x' * (1 << 20))
    print('last', file=sys.stderr)
    return {'a': 1}""",
}

WAITER = {
    "nodejs": "exports.main = async ({fifo}) => { console.log('started');"
    " await require('fs').promises.readFile(fifo); return {a: 1} }",
    "python": "def main(args):\n  print('started', flush=True)\n  open(args['fifo']).read()\n  return {'a': 1}",
}

MEETING = {
    "nodejs": """let here = 0, go; const all = new Promise((done) => { go = done });
exports.main = async ({n, total}) => {
    process.stdout.write(`begin ${n} `); console.error(`one ${n}\\ntwo ${n}`);
    if (++here === total) go();
    await all; await new Promise(setImmediate);
    console.log('middle'); process.stdout.write(`end ${n}`);
    return {n};
}""",
    "python": """
import sys, threading
gate = threading.Barrier(60)
def main(args):
    n = args['n']
    print('begin %d ' % n, end=''); print('one %d\\ntwo %d' % (n, n), file=sys.stderr)
    gate.wait()
    print('middle'); sys.stdout.write('end %d' % n)
    return {'n': n}""",
}

LEAVERS = {
    "nodejs": ["process.exit(0)", "process.kill(process.pid, 'SIGKILL')", "setImmediate(() => { throw 1 })"],
    "python": ["os._exit(0)", "os.kill(os.getpid(), 9)", "os.closerange(3, 99)"],
}


def family(interpreter: Interpreter) -> str:
    return interpreter.kind.partition(":")[0]


def test_an_action_is_initialised_once(start: Start, interpreter: Interpreter) -> None:
    proxy = start(interpreter)
    code = ECHO[family(interpreter)]
    assert (proxy.init("").status, proxy.init("").body) == (403, {"error": "Missing main/no code to execute."})
    assert proxy.init(code).body == {"ok": True}
    again = proxy.init(code)
    assert (again.status, again.body) == (403, {"error": "Cannot initialize the action more than once."})
    assert proxy.run({"a": 1}).body == {"a": 1}


def test_an_unknown_route_is_a_bad_request(start: Start, interpreter: Interpreter) -> None:
    proxy = start(interpreter)
    answer = proxy.post("/other", {})
    assert (answer.status, answer.body) == (500, {"error": "Bad request."})


def test_a_broken_body_is_a_bad_request(start: Start, interpreter: Interpreter) -> None:
    proxy = start(interpreter)
    connection = proxy.connect()
    for body in (b"", b"{", b'{"value": "\xff'):
        proxy.send(connection, "/run", body)
        assert proxy.receive(connection).body == {"error": "Bad request."}
    proxy.init(ECHO[family(interpreter)])
    deep = b'{"value": {"a": %s%s}}' % (b"[" * 100_000, b"]" * 100_000)
    proxy.send(connection, "/run", deep)
    assert proxy.receive(connection).status in {200, 500, 502}
    assert proxy.run({"a": 1}).body == {"a": 1}


def test_run_comes_after_init(start: Start, interpreter: Interpreter) -> None:
    answer = start(interpreter).run()
    expected = {"nodejs": (403, "System not initialized."), "python": (500, "no action defined yet")}
    status, text = expected[family(interpreter)]
    assert (answer.status, answer.body) == (status, {"error": text})


def test_the_environment_of_a_run_comes_after_that_of_init(start: Start, interpreter: Interpreter) -> None:
    proxy = start(interpreter)
    init = {
        "__OW_NAMESPACE": "guest",
        "__OW_DEADLINE": "1",
        "TEXT": "ü",
        "NUMBER": 3,
        "OBJECT": {"a": [1]},
        "a=b": "c",
        "Z": "\0",
    }
    proxy.init(ENVIRONMENT[family(interpreter)], env=init)
    first = proxy.run(deadline="2", activation_id="a1", api_key="k").body
    second = proxy.post("/run", {"value": {}, "deadline": "3", "number": 5}).body
    assert {**first["early"], "__OW_NAMESPACE": "guest", "TEXT": "ü", "NUMBER": "3"} == first["early"]
    assert first["early"]["OBJECT"].replace(" ", "") == '{"a":[1]}'
    assert first["early"]["__OW_DEADLINE"] == "1"
    assert "__OW_ACTIVATION_ID" not in first["early"]
    late = first["late"]
    assert (late["__OW_DEADLINE"], late["__OW_ACTIVATION_ID"], late["__OW_API_KEY"]) == ("2", "a1", "k")
    assert second["late"]["__OW_DEADLINE"] == "3"
    assert not {"__OW_NUMBER", "__OW_VALUE"} & second["late"].keys()


def test_globals_survive_between_runs(start: Start, interpreter: Interpreter) -> None:
    proxy = start(interpreter)
    proxy.init(COUNTER[family(interpreter)])
    assert [proxy.run().body["calls"] for _ in range(3)] == [1, 2, 3]


def test_a_megabyte_comes_back_as_it_went(start: Start, interpreter: Interpreter) -> None:
    proxy = start(interpreter)
    proxy.init(ECHO[family(interpreter)])
    value: dict[str, Any] = {"text": 'aü✓\U0001f600"\\\n\u2028' * 80_000, "more": [None, True, 1.5, {"": []}]}
    assert proxy.run(value).body == value


@pytest.mark.parametrize("mb", [0, 100])
def test_output_is_complete_when_the_answer_comes(start: Start, interpreter: Interpreter, mb: int) -> None:
    proxy = start(interpreter)
    proxy.init(TALKER[family(interpreter)])
    assert proxy.run({"mb": mb}).body == {"a": 1}
    assert proxy.stdout.startswith("\x00")
    assert proxy.stdout.endswith("x" * mb)
    assert proxy.stdout.count("x") == mb << 20
    assert proxy.stderr == "last\n"


@pytest.mark.parametrize("number", [0, 1, 2])
def test_leaving_the_process_loses_the_connection(start: Start, interpreter: Interpreter, number: int) -> None:
    proxy = start(interpreter)
    leave = LEAVERS[family(interpreter)][number]
    python = f"import os\ndef main(args):\n  print('out', flush=True)\n  {leave}\n  return {{}}"
    nodejs = f"exports.main = () => {{ console.log('out'); {leave}; return new Promise(() => {{}}) }}"
    proxy.init({"nodejs": nodejs, "python": python}[family(interpreter)])
    with pytest.raises(Exception, match=r"^$") as lost:
        proxy.run()
    assert lost.typename == "ConnectionLost"
    assert proxy.stdout == "out\n"


def test_a_simultaneous_run_is_refused(start: Start, interpreter: Interpreter, folder: Path) -> None:
    proxy = start(interpreter)
    proxy.init(WAITER[family(interpreter)])
    os.mkfifo(folder / "fifo")
    second = proxy.connect()
    first = proxy.connect()
    proxy.send(first, "/run", b'{"value": {"fifo": "%s"}}' % bytes(folder / "fifo"))
    proxy.wait_for_stdout("started\n")
    proxy.send(second, "/run", b"{}")
    (folder / "fifo").write_bytes(b"")
    assert proxy.receive(first).body == {"a": 1}
    refused = proxy.receive(second)
    assert (refused.status, refused.body) == (403, {"error": "System not ready, status is running."})


def test_sixty_activations_at_once_keep_their_lines_apart(start: Start, interpreter: Interpreter) -> None:
    proxy = start(interpreter)
    assert proxy.init(MEETING[family(interpreter)], concurrent=True).status == 200
    connections = [proxy.connect() for _ in range(60)]
    for n, connection in enumerate(connections):
        value = b'{"value": {"n": %d, "total": 60}, "activation_id": "id%d"}' % (n, n)
        proxy.send(connection, "/run", value)
    assert [proxy.receive(connection).body["n"] for connection in connections] == list(range(60))
    for n in range(60):
        assert lines_of(proxy.stdout, n) == [f"begin {n} middle", f"end {n}"]
        assert lines_of(proxy.stderr, n) == [f"one {n}", f"two {n}"]
    written = (proxy.stdout + proxy.stderr).removesuffix("\n").split("\n")
    assert len(written) == 4 * 60
    assert all(line.startswith("\x1d") for line in written)


def lines_of(text: str, n: int) -> list[str]:
    return re.findall(rf"^\x1did{n}\x1d(.*)$", text, re.MULTILINE)

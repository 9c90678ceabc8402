"""Whatever a client sends: a 4xx with a sentence, never a 5xx, a hang, or something half-made."""

import base64
import contextlib
import io
import os
import socket
import tarfile
import zipfile
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from ioruntime.testing.server import Server, ServerClient, eventually, send_raw

MIB = 1024 * 1024
ACTIONS = "/api/v1/namespaces/_/actions"
CODE = {"kind": "nodejs:default", "code": "main = (a) => a"}


def encoded(content: bytes) -> str:
    return base64.b64encode(content).decode()


def zipped(name: str, content: bytes = b"x", *, mode: int = 0o100644) -> str:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as writer:
        entry = zipfile.ZipInfo(name)
        entry.external_attr = mode << 16
        entry.compress_type = zipfile.ZIP_DEFLATED
        writer.writestr(entry, content)
    return encoded(packed.getvalue())


def tarred(name: str, kind: bytes = tarfile.REGTYPE, link: str = "") -> str:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as writer:
        member = tarfile.TarInfo(name)
        member.type, member.linkname = kind, link
        writer.addfile(member)
    return encoded(packed.getvalue())


def exec_(code: Any) -> dict[str, Any]:
    return {"exec": {"kind": "nodejs:default", "code": code}}


def limits(**values: Any) -> dict[str, Any]:
    return {"exec": CODE, "limits": values}


BODIES = [
    pytest.param({}, 400, "exec undefined", id="no exec"),
    pytest.param([], 400, "malformed", id="an array"),
    pytest.param("text", 400, "malformed", id="a text"),
    pytest.param(None, 400, "malformed", id="null"),
    pytest.param({"exec": "code"}, 400, "malformed", id="exec is a text"),
    pytest.param({"exec": {"code": ""}}, 400, "'kind' must be a string defined in 'exec'", id="no kind"),
    pytest.param({"exec": {"kind": 7, "code": ""}}, 400, "kind", id="kind is a number"),
    pytest.param({"exec": {"kind": "cobol:85", "code": ""}}, 400, "'cobol:85' is not supported", id="unknown kind"),
    pytest.param({"exec": {"kind": "x" * 100_000, "code": ""}}, 400, "not supported", id="long kind"),
    pytest.param({"exec": {"kind": "../../etc", "code": ""}}, 400, "not supported", id="kind is a path"),
    pytest.param({"exec": {"kind": "nodejs:default"}}, 400, "'code' must be a string", id="no code"),
    pytest.param(exec_(7), 400, "code", id="code is a number"),
    pytest.param(exec_("x" * (48 * MIB + 1)), 413, "exec larger than allowed", id="code over 48 MB"),
    pytest.param(exec_(CODE["code"]) | {"parameters": {"a": 1}}, 400, "malformed", id="parameters are an object"),
    pytest.param(exec_("") | {"parameters": [{"value": 1}]}, 400, "malformed", id="parameter without key"),
    pytest.param(exec_("") | {"parameters": [{"key": 1, "value": 1}]}, 400, "malformed", id="key is a number"),
    pytest.param(
        exec_("") | {"parameters": [{"key": "a", "value": "x" * (MIB + 1)}]}, 413, "parameters larger than", id="large parameters"
    ),
    pytest.param(
        exec_("") | {"annotations": [{"key": "a", "value": "x" * (MIB + 1)}]},
        413,
        "annotations larger than",
        id="large annotations",
    ),
    pytest.param(exec_("") | {"version": "0.0.0"}, 400, "version", id="version 0.0.0"),
    pytest.param(exec_("") | {"version": "1"}, 400, "version", id="version of one part"),
    pytest.param(exec_("") | {"version": f"{'9' * 400}.0.1"}, 400, "version", id="version beyond numbers"),
    pytest.param(exec_("") | {"publish": "yes"}, 400, "malformed", id="publish is a text"),
    pytest.param(limits(timeout=99), 400, "duration 99 milliseconds below allowed threshold of 100", id="short timeout"),
    pytest.param(limits(timeout=300_001), 400, "exceeds allowed threshold of 300000 milliseconds", id="long timeout"),
    pytest.param(limits(memory=127), 400, "memory size 127 MB below allowed threshold of 128 MB", id="little memory"),
    pytest.param(limits(memory=513), 400, "memory size 513 MB exceeds allowed threshold of 512 MB", id="much memory"),
    pytest.param(limits(logs=11), 400, "log size 11 MB exceeds allowed threshold of 10 MB", id="large logs"),
    pytest.param(limits(logs=-1), 400, "below allowed threshold of 0 MB", id="negative logs"),
    pytest.param(limits(concurrency=0), 400, "concurrency 0 below allowed threshold of 1", id="no concurrency"),
    pytest.param(limits(concurrency=501), 400, "exceeds allowed threshold of 500", id="much concurrency"),
    pytest.param(limits(timeout=100.5), 400, "malformed", id="timeout of a fraction"),
    pytest.param(limits(timeout="100"), 400, "malformed", id="timeout is a text"),
    pytest.param(limits(timeout=10**30), 400, "", id="timeout beyond numbers"),
    pytest.param({"exec": CODE, "limits": []}, 400, "malformed", id="limits are an array"),
    pytest.param(exec_(zipped("../outside.js")), 400, "leads outside", id="zip entry above"),
    pytest.param(exec_(zipped("/etc/outside.js")), 400, "leads outside", id="zip entry absolute"),
    pytest.param(exec_(zipped("a/../../b.js")), 400, "leads outside", id="zip entry climbs"),
    pytest.param(exec_(zipped("link", b"/etc/passwd", mode=0o120777)), 400, "leads outside", id="zip link outside"),
    pytest.param(exec_(tarred("../outside.js")), 400, "leads outside", id="tar entry above"),
    pytest.param(exec_(tarred("link", tarfile.SYMTYPE, "/etc/passwd")), 400, "leads outside", id="tar link outside"),
    pytest.param(exec_(tarred("device", tarfile.CHRTYPE)), 400, "no file", id="tar device"),
]


@pytest.mark.parametrize(("body", "status", "text"), BODIES)
def test_a_wrong_action_is_refused_and_not_made(space: ServerClient, body: Any, status: int, text: str) -> None:
    answer = space.request("PUT", f"{ACTIONS}/bad", body)
    assert_refused(answer, status, text)
    assert space.request("GET", ACTIONS).json() == []


def test_a_zip_bomb_is_refused(space: ServerClient) -> None:
    bomb = zipped("index.js", bytes(513 * MIB))
    answer = space.request("PUT", f"{ACTIONS}/bad", exec_(bomb))
    assert_refused(answer, 400, "536870912 bytes when unpacked")


def assert_refused(answer: Any, status: int, text: str) -> None:
    assert answer.status == status, answer.body[:500]
    document = answer.json()
    assert text in document["error"]
    assert document["code"] == answer.headers["x-request-id"]


NAMES = [
    pytest.param("x" * 257, 400, "Name segement longer than allowed: 257 > 256.", id="257 characters"),
    pytest.param("%20a", 400, "illegal characters", id="leading blank"),
    pytest.param("a%20", 400, "illegal characters", id="trailing blank"),
    pytest.param("a%00b", 400, "NUL", id="NUL"),
    pytest.param("a%0ab", 400, "illegal characters", id="line break"),
    pytest.param("%ff%fe", 400, "not valid UTF-8", id="not UTF-8"),
    pytest.param("a%2eb%24", 400, "illegal characters", id="dollar"),
    pytest.param("%2e%2e%2f%2e%2e%2fetc", 400, "illegal characters", id="escaped climbing"),
    pytest.param("a/b/c", 404, "", id="too many segments"),
    pytest.param("nopackage/a", 404, "", id="package that is not there"),
]


@pytest.mark.parametrize(("name", "status", "text"), NAMES)
@pytest.mark.parametrize("method", ["PUT", "GET", "DELETE", "POST"])
def test_a_wrong_name_is_refused(space: ServerClient, method: str, name: str, status: int, text: str) -> None:
    body = {"exec": CODE} if method == "PUT" else {}
    answer = space.request(method, f"{ACTIONS}/{name}", body if method in {"PUT", "POST"} else b"")
    assert_refused(answer, status, text)


PAYLOADS = [
    pytest.param(b"[1]", 400, "malformed", id="an array"),
    pytest.param(b"7", 400, "malformed", id="a number"),
    pytest.param(b"{", 400, "malformed", id="cut short"),
    pytest.param(b'{"a":1}x', 400, "malformed", id="something behind"),
    pytest.param(b'{"a":"\xff"}', 400, "malformed", id="not UTF-8"),
    pytest.param(b'{"a":"\xed\xa0\x80"}', 400, "malformed", id="a surrogate"),
    pytest.param(b'{"a":NaN}', 400, "malformed", id="not a number"),
    pytest.param(b"\xef\xbb\xbf{}", 400, "malformed", id="byte order mark"),
    pytest.param(b'{"a":' + b"[" * 500_000 + b"]" * 500_000 + b"}", 400, "malformed", id="500,000 levels"),
    pytest.param(b'{"a":"' + b"x" * MIB + b'"}', 413, "Request larger than allowed: 1048584 > 1048576 bytes.", id="over 1 MB"),
]


@pytest.mark.parametrize(("body", "status", "text"), PAYLOADS)
@pytest.mark.parametrize("blocking", ["true", "false"])
def test_a_wrong_payload_is_refused_and_nothing_runs(
    space: ServerClient, blocking: str, body: bytes, status: int, text: str
) -> None:
    space.put_action("a", CODE["code"])
    json_type = {"Content-Type": "application/json"}
    answer = space.request("POST", f"{ACTIONS}/a?blocking={blocking}", body=body, headers=json_type)
    assert_refused(answer, status, text)
    assert space.request("GET", "/api/v1/namespaces/_/activations").json() == []


@pytest.mark.parametrize(
    "payload",
    [
        pytest.param({"\x00": "\x00"}, id="NUL"),
        pytest.param({"__proto__": {"x": 1}, "constructor": 1}, id="names with a meaning in JavaScript"),
        pytest.param({"a": 1e308, "b": -0.0, "c": 2**53}, id="large numbers"),
        pytest.param({"": ""}, id="empty key"),
        pytest.param({"x" * 1000: "\u2028\U0001f600"}, id="long key, rare characters"),
    ],
)
@pytest.mark.parametrize("kind", ["nodejs:default", "python:default"])
def test_a_strange_payload_comes_back_as_it_was(space: ServerClient, kind: str, payload: Any) -> None:
    code = CODE["code"] if kind.startswith("nodejs") else "def main(a): return a"
    space.put_action("a", code, kind)
    answer = space.request("POST", f"{ACTIONS}/a?blocking=true&result=true", payload)
    expected = payload if kind.startswith("python") else {k: v for k, v in payload.items() if k != "__proto__"}
    assert (answer.status, {k: v for k, v in answer.json().items() if k in expected}) == (200, expected)


@pytest.mark.parametrize(
    ("query", "text"),
    [
        pytest.param("blocking=true&timeout=0", "Timeout must be number of milliseconds up to 60000.", id="no time"),
        pytest.param("blocking=true&timeout=60001", "Timeout must be number of milliseconds up to 60000.", id="much time"),
        pytest.param("blocking=true&timeout=soon", "Timeout must be", id="not a time"),
        pytest.param("blocking=perhaps", "blocking", id="not a flag"),
    ],
)
def test_a_wrong_query_of_an_invocation_is_refused(space: ServerClient, query: str, text: str) -> None:
    space.put_action("a", CODE["code"])
    assert_refused(space.request("POST", f"{ACTIONS}/a?{query}"), 400, text)


@pytest.mark.parametrize("collection", ["actions", "packages", "activations"])
@pytest.mark.parametrize("query", ["limit=201", "limit=-1", "limit=x", "skip=-1", "skip=1e3", f"skip={'9' * 50}", "limit=%00"])
def test_a_wrong_page_is_refused_or_empty(space: ServerClient, collection: str, query: str) -> None:
    answer = space.request("GET", f"/api/v1/namespaces/_/{collection}?{query}")
    assert answer.status == 400 or (answer.status, answer.json()) == (200, [])


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        pytest.param("PATCH", f"{ACTIONS}/a", "DELETE, GET, POST, PUT", id="PATCH of an action"),
        pytest.param("POST", ACTIONS, "GET", id="POST to a collection"),
        pytest.param("DELETE", "/api/v1/namespaces/_/activations/" + "0" * 32, "GET", id="DELETE of a record"),
        pytest.param("PUT", "/api/v1/namespaces", "GET", id="PUT of namespaces"),
        pytest.param("TRACE", f"{ACTIONS}/a", "DELETE, GET, POST, PUT", id="TRACE"),
    ],
)
def test_a_wrong_method_is_refused_and_the_right_ones_named(space: ServerClient, method: str, path: str, allowed: str) -> None:
    answer = space.request(method, path)
    assert (answer.status, answer.headers.get("allow")) == (405, allowed), answer.body


@pytest.mark.parametrize(
    "authorization",
    [
        pytest.param("Basic", id="no key"),
        pytest.param("Basic !!!!", id="not base64"),
        pytest.param(f"Basic {encoded(b'no colon')}", id="no colon"),
        pytest.param(f"Basic {encoded(b'23bc46b1-71f6-4ed5-8c54-816aa4f8c502:wrong')}", id="wrong secret"),
        pytest.param(f"Basic {encoded(bytes(range(256)))}", id="bytes"),
        pytest.param(f"Basic {encoded(b'x' * 20_000 + b':x')}", id="long"),
        pytest.param("Bearer a.b.c", id="no token"),
        pytest.param("Digest username=x", id="another scheme"),
    ],
)
def test_wrong_credentials_are_refused(server: Server, authorization: str) -> None:
    answer = ServerClient(server.url, {"Authorization": authorization}).request("GET", "/api/v1/namespaces")
    assert_refused(answer, 401, "")


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        pytest.param("POST", "/actions", {"exec": CODE}, id="create without name"),
        pytest.param("POST", "/actions", {"name": "a/b/c", "exec": CODE}, id="create with three parts"),
        pytest.param("POST", "/actions", {"name": "../x", "exec": CODE}, id="create above"),
        pytest.param("POST", "/actions", [], id="create of an array"),
        pytest.param("POST", "/actions", {"name": "a", "code": 7, "exec": {"kind": "nodejs:default"}}, id="code is a number"),
        pytest.param("POST", "/actions", {"name": "a", "exec": CODE, "limits": {"timeout": "soon"}}, id="timeout is no number"),
        pytest.param("PUT", "/actions/none", {"exec": CODE}, id="update of nothing"),
        pytest.param("POST", "/actions/none", {}, id="execute nothing"),
        pytest.param("DELETE", "/actions/none", None, id="delete nothing"),
        pytest.param("GET", "/actions/%00", None, id="NUL"),
    ],
)
def test_the_other_api_refuses_in_its_own_form(server: Server, space: ServerClient, method: str, path: str, body: Any) -> None:
    name = space.request("GET", "/api/v1/namespaces").json()[0]
    org = name.removesuffix("_tests")
    answer = server.operator.request(method, f"/runtime/namespaces/{org}/tests{path}", body)
    assert 400 <= answer.status < 500, answer.body
    document = answer.json()
    assert document["error_code"].startswith(str(answer.status))
    assert document["message"]
    assert server.operator.request("GET", f"/runtime/namespaces/{org}/tests/actions").json() == []


RAW = [
    pytest.param(b"GET / HTTP/1.1\r\nHost: x\r\nX-Big: " + b"x" * 200_000 + b"\r\n\r\n", id="a header of 200 kB"),
    pytest.param(b"GET /" + b"x" * 200_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n", id="a target of 200 kB"),
    pytest.param(b"GET / HTTP/1.1\r\nHost: x\r\n" + b"X: y\r\n" * 50_000 + b"\r\n", id="50,000 headers"),
    pytest.param(b"GET / HTTP/1.1\r\nHost: x\r\nX-Big: " + b"x" * 5_000_000, id="a header without end"),
    pytest.param(b"GET / HTTP/1.1\r\nHost: x\r\n" + b"x" * 5_000_000, id="a header name without end"),
    pytest.param(b"CONNECT example.org:443 HTTP/1.1\r\nHost: x\r\n\r\n", id="a tunnel"),
    pytest.param(b"BREW /ping HTTP/1.1\r\nHost: x\r\n\r\n", id="a method of no meaning"),
    pytest.param(b"\x00\x01\x02\x03\r\n\r\n", id="bytes of no meaning"),
    pytest.param(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + os.urandom(64), id="TLS"),
    pytest.param(b"GET /a\x00b HTTP/1.1\r\nHost: x\r\n\r\n", id="NUL in the target"),
    pytest.param(b"GET /\xff\xfe HTTP/1.1\r\nHost: x\r\n\r\n", id="bytes in the target"),
    pytest.param(b"GET / HTTP/9.9\r\nHost: x\r\n\r\n", id="HTTP of the future"),
    pytest.param(b"POST /ping HTTP/1.1\r\nHost: x\r\nContent-Length: -5\r\n\r\n", id="negative length"),
    pytest.param(b"POST /ping HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello", id="two lengths"),
    pytest.param(
        b"POST /ping HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nhello\r\n0\r\n\r\n", id="a chunk of no length"
    ),
    pytest.param(
        b"POST /ping HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", id="both"
    ),
    pytest.param(b"GET http://[bad/ HTTP/1.1\r\nHost: x\r\n\r\n", id="target with a broken host"),
]


@pytest.mark.parametrize("data", RAW)
def test_what_is_hardly_http_gets_a_4xx_or_a_closed_connection(server: Server, data: bytes) -> None:
    received = b""
    with contextlib.suppress(ConnectionError):  # closed before everything was sent: said no loudly enough
        received = send_raw(server.guest.address, data)
    assert not received or received.startswith(b"HTTP/1.1 4"), received[:300]
    assert server.guest.request("GET", "/ping").body == b"pong"


def invocation(client: ServerClient, name: str, body: bytes, *, length: int | None = None) -> bytes:
    lines = [
        f"POST {ACTIONS}/{name}?blocking=true&result=true HTTP/1.1",
        "Host: test",
        f"Authorization: {client.headers['Authorization']}",
        "Content-Type: application/json",
        f"Content-Length: {len(body) if length is None else length}",
    ]
    return "\r\n".join([*lines, "", ""]).encode() + body


def test_pipelined_requests_are_answered_in_order(space: ServerClient) -> None:
    space.put_action("a", "const main = ({n}) => new Promise((done) => setTimeout(() => done({n}), 30 - n))")
    with socket.create_connection(space.address, 10) as connection:
        connection.sendall(b"".join(invocation(space, "a", b'{"n": %d}' % n) for n in range(10)))
        received = b""
        while received.count(b'{"n":') < 10:
            received += connection.recv(65_536)
    positions = [received.index(b'{"n":%d}' % n) for n in range(10)]
    assert positions == sorted(positions)


@pytest.mark.parametrize(
    ("data", "status"),
    [
        pytest.param(b"GET /" + b"x" * 17_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n", b"414", id="target"),
        pytest.param(b"GET / HTTP/1.1\r\nHost: x\r\nX: " + b"x" * 66_000 + b"\r\n\r\n", b"431", id="header"),
        pytest.param(b"GET /ping HTTP/1.1\r\nHost: x\r\nX: " + b"x" * 60_000 + b"\r\n\r\n", b"200", id="header within bounds"),
    ],
)
def test_the_head_of_a_request_is_bounded(server: Server, data: bytes, status: bytes) -> None:
    assert send_raw(server.guest.address, data).startswith(b"HTTP/1.1 " + status)


@pytest.mark.parametrize("protocol", ["h2c", "websocket", "TLS/1.0"])
def test_an_offer_to_upgrade_is_declined_by_answering(space: ServerClient, protocol: str) -> None:
    space.put_action("a", CODE["code"])
    headers = {"Connection": "Upgrade, HTTP2-Settings", "Upgrade": protocol, "HTTP2-Settings": "AAMAAABkAARAAAAAAAIAAAAA"}
    answer = space.request(
        "POST",
        f"{ACTIONS}/a?blocking=true&result=true",
        {"a": 1},
        headers=headers | {"Content-Type": "application/json"},
        timeout_s=5,
    )
    assert (answer.status, answer.json()) == (200, {"a": 1})


def test_a_body_cut_short_runs_nothing(space: ServerClient) -> None:
    space.put_action("a", CODE["code"])
    received = send_raw(space.address, invocation(space, "a", b'{"a": 1}', length=100))
    assert b" 200 " not in received
    assert space.request("GET", "/api/v1/namespaces/_/activations").json() == []


def test_an_upload_cut_short_leaves_no_action(space: ServerClient) -> None:
    half = b'{"exec": {"kind": "nodejs:default", "code": "' + b"x" * 300_000
    request = invocation(space, "a", half, length=1_000_000).replace(b"POST", b"PUT", 1)
    send_raw(space.address, request)
    assert space.request("GET", ACTIONS).json() == []


def test_a_client_that_leaves_gets_its_record_all_the_same(space: ServerClient) -> None:
    space.put_action("a", "const main = () => new Promise((done) => setTimeout(() => done({ran: true}), 500))")
    with socket.create_connection(space.address, 10) as connection:
        connection.sendall(invocation(space, "a", b"{}"))
        ready = b"\nioruntime_activations_in_flight 0.0\n"
        eventually(lambda: ready not in space.request("GET", "/metrics").body, within_s=5)
    record = eventually(lambda: space.request("GET", "/api/v1/namespaces/_/activations?docs=true").json() or None, within_s=10)
    assert [each["response"]["result"] for each in record] == [{"ran": True}]


def test_many_clients_that_say_nothing_stop_nobody(server: Server, space: ServerClient) -> None:
    space.put_action("a", CODE["code"])
    silent = [socket.create_connection(server.guest.address, 5) for _ in range(200)]
    try:
        for connection in silent[:100]:
            connection.sendall(b"POST /api/v1/namespaces/_/actions/a HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n{")
        assert space.invoke("a").status == 200
    finally:
        for connection in silent:
            connection.close()


def test_large_and_hostile_uploads_do_not_stop_others(space: ServerClient) -> None:
    space.put_action("a", CODE["code"])
    bomb = exec_(zipped("index.js", bytes(400 * MIB)))
    with ThreadPoolExecutor() as threads:
        uploads = [threads.submit(space.request, "PUT", f"{ACTIONS}/b{n}", bomb) for n in range(3)]
        assert space.invoke("a").status == 200
        assert {upload.result().status for upload in uploads} == {200}

"""Who may call a web action, and in which order that is found out (contract, sections 18.1, 18.2, 18.7, 18.8)."""

from typing import Any

import pytest

from ioruntime.model.activation import Activation, Status
from ioruntime.model.exec import SequenceExec
from ioruntime.model.names import EntityPath
from ioruntime.model.package import Binding, Package

pytestmark = pytest.mark.anyio

GUEST = f"11111111-1111-1111-1111-111111111111:{'g' * 64}"
METHODS = "OPTIONS, GET, DELETE, POST, PUT, HEAD, PATCH"
HEADERS = "Authorization, Origin, X-Requested-With, Content-Type, Accept, User-Agent"
UNAUTHENTICATED = "Authentication is possible but has failed or not yet been provided."


@pytest.mark.parametrize("method", ["GET", "DELETE", "POST", "PUT", "PATCH", "HEAD"])
async def test_methods(platform: Any, method: str) -> None:
    await platform.action(result={"body": "hi"})
    answer = await platform.ask(method)
    assert (answer.status, answer.headers["content-type"]) == (200, "text/html; charset=UTF-8")
    assert (answer.body, answer.headers["content-length"]) == (b"" if method == "HEAD" else b"hi", "2")


async def test_other_methods_are_refused(platform: Any) -> None:
    await platform.action()
    answer = await platform.ask("TRACE")
    assert (answer.status, answer.json()["error"]) == (405, f"HTTP method not allowed, supported methods: {METHODS}")


@pytest.mark.parametrize(
    "target",
    [
        *("", "/", "/guest", "/guest/p", "/guest/p/", "/guest//a", "//p/a", "/guest/p/.json", "/guest/p/a%2Fb"),
        *("/nobody/p/a", "/guest/nothing/a", "/guest/p/b", "/guest/p/a.xyz", "/guest/p/private", "/guest/p/text", "/guest/p/p"),
        *("/_/p/a", "/guest/default/p", "/guest/default/p%2Fa", "/guest/p/%ff", "/guest/p/$", f"/guest/p/{'a' * 300}"),
    ],
)
async def test_everything_that_is_no_web_action_is_not_found(platform: Any, target: str) -> None:
    await platform.action()
    await platform.action("guest/p/private", web_export=False)
    await platform.action("guest/p/text", web_export="true")
    answer = await platform.ask("GET", target)
    if target != "/guest/p/%ff":  # no UTF-8: the path itself cannot be read
        assert (answer.status, answer.json()["error"]) == (404, "The requested resource does not exist.")
    assert (answer.status in {400, 404}, platform.runs) == (True, 0)


@pytest.mark.parametrize("target", ["/guest/default/x", "/guest/default/x.http", "/guest/default/x/rest"])
async def test_the_default_package(platform: Any, target: str) -> None:
    await platform.action("guest/x")
    assert (await platform.ask("GET", target)).status == 200


async def test_both_mounts_and_doubled_slashes(platform: Any) -> None:
    await platform.action()
    for path in ("//api/v1/web/guest/p/a", "/runtime/api/v1/web/guest/p/a"):
        assert (await platform.client.request("GET", path)).status == 200


async def test_the_deploying_mount_knows_bearer_callers(platform: Any) -> None:
    await platform.action(require_whisk_auth=True)
    path = "/runtime/api/v1/web/guest/p/a"
    assert (await platform.client.request("GET", path)).status == 401
    assert (await platform.client.request("GET", path, bearer="nonsense")).status == 401
    assert (await platform.ask("GET", bearer="nonsense")).status == 401


async def test_errors_are_indented_and_carry_the_transaction_id(platform: Any) -> None:
    answer = await platform.ask("GET", "/guest/p/a", headers={"x-request-id": "abc"})
    assert answer.body == b'{\n  "error": "The requested resource does not exist.",\n  "code": "abc"\n}'
    assert (answer.headers["x-request-id"], answer.headers["content-type"]) == ("abc", "application/json")


async def test_an_action_behind_the_gateway_is_not_reached_by_its_own_url(platform: Any) -> None:
    await platform.action(require_gw_validation=True)
    answer = await platform.ask("GET", basic=GUEST)
    assert (answer.status, platform.runs) == (401, 0)
    assert answer.json()["error"] == "Authentication is possible but has failed or not yet been provided."
    await platform.action("guest/p/open", require_gw_validation=False)
    assert (await platform.ask("GET", "/guest/p/open")).status == 200


@pytest.mark.parametrize(
    ("annotation", "request_", "status"),
    [
        pytest.param(True, {}, 401, id="true wants credentials"),
        pytest.param(True, {"basic": GUEST}, 200, id="of anybody"),
        pytest.param(True, {"basic": "1:2"}, 401, id="wrong ones are none"),
        pytest.param(True, {"headers": {"x-require-whisk-auth": "true"}}, 401, id="true is no secret"),
        pytest.param("s3", {}, 401, id="a secret is missing"),
        pytest.param("s3", {"headers": {"x-require-whisk-auth": "s3"}}, 200, id="a secret is right"),
        pytest.param("s3", {"headers": {"x-require-whisk-auth": "s4"}, "basic": GUEST}, 401, id="a secret is wrong"),
        pytest.param("", {"headers": {"x-require-whisk-auth": "x"}}, 401, id="empty secret, not empty header"),
        pytest.param(7, {"headers": {"x-require-whisk-auth": "7"}}, 200, id="a number's text"),
        pytest.param(0, {}, 401, id="zero is a secret too"),
        pytest.param(False, {}, 200, id="false is open"),
        pytest.param(None, {"basic": GUEST}, 401, id="null never"),
        pytest.param({}, {"basic": GUEST}, 401, id="objects never"),
        pytest.param([], {"basic": GUEST}, 401, id="arrays never"),
    ],
)
@pytest.mark.parametrize("cache", [False, True])
async def test_require_whisk_auth(platform: Any, annotation: Any, request_: dict[str, Any], status: int, cache: bool) -> None:
    platform.client = platform.client_for(cache=cache)
    await platform.action(
        result={"headers": {"cache-control": "max-age=9"}, "statusCode": 200, "body": "x"}, require_whisk_auth=annotation
    )
    answers = [await platform.ask("GET", **request_) for _ in range(2)]
    assert [answer.status for answer in answers] == [status, status]
    if status == 401:
        assert (answers[0].json()["error"], platform.runs) == (UNAUTHENTICATED, 0)
        assert "www-authenticate" not in answers[0].headers


async def test_open_actions_take_wrong_credentials_for_none(platform: Any) -> None:
    await platform.action()
    assert (await platform.ask("GET", basic="no:body")).status == 200
    assert (await platform.ask("GET", headers={"authorization": "Nonsense"})).status == 200


async def test_other_origins_may_read_all_answers(platform: Any) -> None:
    await platform.action()
    for target in ("/guest/p/a", "/guest/p/none", "/guest/p/a?__ow_path=1"):
        answer = await platform.ask("GET", target)
        assert answer.headers["access-control-allow-origin"] == "*"
        assert answer.headers["access-control-allow-methods"] == METHODS
        assert answer.headers["access-control-allow-headers"] == HEADERS


async def test_an_origin_that_the_action_names_is_not_overruled(platform: Any) -> None:
    await platform.action(result={"headers": {"Access-Control-Allow-Origin": "https://a.example"}, "body": "x"})
    headers = (await platform.ask("GET")).headers
    assert (headers["access-control-allow-origin"], headers["access-control-allow-methods"]) == ("https://a.example", METHODS)


async def test_a_namespace_that_is_gone_is_not_found(platform: Any) -> None:
    await platform.action()
    assert (await platform.ask("GET")).status == 200
    await platform.stores.namespaces.delete("guest")
    platform.authenticator.forget("guest")
    assert (await platform.ask("GET")).status == 404


async def test_options_is_answered_without_the_action(platform: Any) -> None:
    await platform.action(require_whisk_auth=True)
    answer = await platform.ask("OPTIONS", headers={"access-control-request-headers": "X-Mine"})
    assert (answer.status, answer.body, answer.headers["access-control-allow-headers"]) == (200, b"", "X-Mine")
    assert platform.runs == 0


async def test_actions_may_answer_options_themselves(platform: Any) -> None:
    await platform.action(
        result={"headers": {"Access-Control-Allow-Origin": "https://a.example"}, "statusCode": 200},
        web_custom_options=True,
        require_whisk_auth=True,
    )
    answer = await platform.ask("OPTIONS")
    assert (answer.status, answer.headers["access-control-allow-origin"], platform.runs) == (200, "https://a.example", 1)
    refused = await platform.ask("GET")
    assert (refused.status, platform.runs) == (401, 1)
    assert "access-control-allow-origin" not in refused.headers


async def test_large_bodies_are_refused(platform: Any) -> None:
    await platform.action()
    answer = await platform.ask("POST", body=b"x" * 2001)
    assert (answer.status, answer.json()["error"]) == (413, "Request larger than allowed: 2001 > 2000 bytes.")
    assert (await platform.ask("POST", body=[b"x" * 1500, b"x" * 1500])).status == 413
    assert platform.runs == 0


async def test_checks_come_in_the_contracts_order(platform: Any) -> None:
    bad: dict[str, Any] = {"headers": {"content-type": "application/json"}, "body": b"{" * 3000}
    assert (await platform.ask("POST", **bad)).status == 404
    await platform.action(require_whisk_auth=True)
    assert (await platform.ask("POST", **bad)).status == 413
    bad["body"] = b"{"
    assert (await platform.ask("POST", **bad)).status == 401
    bad["basic"] = GUEST
    assert (await platform.ask("POST", "/guest/p/a?__ow_path=1", **bad)).json()["error"].startswith("The request content")
    for _ in range(40):
        await platform.ask("POST", basic=GUEST)
    bad["body"] = b"{" * 3000
    refused = await platform.ask("POST", **bad)
    assert (refused.status, refused.headers["access-control-allow-origin"]) == (429, "*")
    assert refused.json()["error"] == "Too many requests in the last minute (count: 41, allowed: 40)."


async def test_the_owner_of_the_url_pays_and_keeps_the_record(platform: Any) -> None:
    await platform.action("other/p/a")
    await platform.stores.entities.write(Package(path=EntityPath("guest", "bound"), binding=Binding("other", "p")))
    await platform.ask("GET", "/guest/bound/a")
    request = platform.invoker.requests[0]
    assert (request.namespace, request.subject, request.action.path.namespace) == ("guest", "guest", "other")
    assert platform.throttle._minutes["guest"].count(platform.clock.s) == 1
    assert "other" not in platform.throttle._minutes


async def test_bindings_of_private_packages_work_for_their_owner_only(platform: Any) -> None:
    await platform.action("other/private/a")
    for namespace in ("guest", "other"):
        await platform.stores.entities.write(Package(path=EntityPath(namespace, "bound"), binding=Binding("other", "private")))
    assert (await platform.ask("GET", "/other/bound/a")).status == 200
    assert (await platform.ask("GET", "/guest/bound/a")).status == 404


async def test_what_takes_too_long_is_told_with_its_id(platform: Any) -> None:
    await platform.action()
    platform.invoker.answer = _open
    answer = await platform.ask("GET", headers={"x-request-id": "abc"})
    request = platform.invoker.requests[0]
    assert (answer.status, answer.headers["x-openwhisk-activation-id"]) == (202, request.activation_id)
    assert answer.body == b'{\n  "error": "Response not yet ready.",\n  "code": "abc"\n}'
    platform.invoker.finish(request, _ended(request))


async def test_no_invoker_is_no_service(platform: Any) -> None:
    await platform.action()
    platform.bus.leave("invoker0")
    answer = await platform.ask("GET")
    assert (answer.status, answer.headers["retry-after"]) == (503, "1")


async def test_sequences_and_conductors_are_web_actions(platform: Any) -> None:
    await platform.action("guest/p/one", {"statusCode": 201, "body": {"a": 1}}, web_export=False)
    await platform.sequence("guest/p/s", "/guest/p/one")
    await platform.action("guest/p/c", {"params": {"body": "conducted"}}, conductor=True)
    answer = await platform.ask("GET", "/guest/p/s")
    assert (answer.status, answer.json()) == (201, {"a": 1})
    assert (await platform.ask("GET", "/guest/p/c")).body == b"conducted"


async def test_a_sequence_gets_the_request(platform: Any) -> None:
    await platform.action("guest/p/one", web_export=False)
    await platform.action("guest/p/s", exec=SequenceExec(("/guest/p/one",)), raw_http=True)
    got = await platform.arguments("POST", "/guest/p/s/x?a=1", body=b"hi", headers={"content-type": "text/plain"})
    assert (got["__ow_body"], got["__ow_query"], got["__ow_path"]) == ("hi", "a=1", "/x")


def _open(_: Any) -> None:
    """Leave the activation without an end."""


def _ended(request: Any) -> Activation:
    return request.record(Status.SUCCESS, request.arguments, start_ms=0, duration_ms=0)

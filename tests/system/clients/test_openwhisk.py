"""Every method of the npm package `openwhisk`: from outside of the platform, and the same from inside of an action."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from ioruntime.testing.openwhisk import call_from_inside, call_from_outside, new_caller
from ioruntime.testing.server import running_server

pytestmark = [pytest.mark.clients, pytest.mark.timeout(300)]
SCRIPT = Path(__file__).with_name("openwhisk_calls.js")


class Seen(msgspec.Struct, frozen=True):
    """What the calls gave."""

    namespace: str
    given: dict[str, Any]
    own_actions: int
    """How many actions the namespace had before the first call."""

    def __getitem__(self, resource: str) -> Any:
        return self.given[resource]


@pytest.fixture(scope="module", params=["outside", "inside"])
def seen(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, openwhisk_package: Path) -> Iterator[Seen]:
    environment = {"IORUNTIME_INVOKER__NETWORK": "host"}
    with running_server(tmp_path_factory.mktemp("calls") / "data", environment=environment) as server:
        caller = new_caller(server, "package")
        inside = request.param == "inside"
        given = (call_from_inside if inside else call_from_outside)(caller, SCRIPT, openwhisk_package)
        yield Seen(caller.namespace, given, 1 if inside else 0)


def annotation(document: Any, key: str) -> Any:
    return next(each["value"] for each in document["annotations"] if each["key"] == key)


def test_actions_are_created_from_text_zip_document_and_components(seen: Seen) -> None:
    actions = seen["actions"]
    created = actions["created"]
    assert (created["namespace"], created["name"], created["version"]) == (seen.namespace, "greet", "1.2.3")
    assert (annotation(created, "why"), created["limits"]["timeout"], created["limits"]["memory"]) == ("test", 20_000, 128)
    assert created["parameters"] == [{"key": "name", "value": "World"}]
    assert created["exec"]["kind"].startswith("nodejs:")
    assert (actions["zipped"]["exec"]["kind"], actions["zipped"]["exec"]["binary"]) == ("nodejs:20", True)
    assert actions["whole"]["parameters"] == [{"key": "a", "value": 1}]
    assert actions["chain"]["exec"]["components"] == [f"/{seen.namespace}/whole", f"/{seen.namespace}/greet"]


def test_actions_are_read_and_listed(seen: Seen) -> None:
    actions = seen["actions"]
    assert (actions["got"], actions["severalGot"]) == (actions["updated"], ["chain", "greet"])
    assert "name" in actions["got"]["exec"]["code"]
    assert "code" not in actions["withoutCode"]["exec"]
    assert (actions["listed"], actions["page"]) == (["chain", "greet", "whole", "zipped"], 2)
    assert actions["counted"] == {"actions": 4 + seen.own_actions}


def test_actions_are_changed_and_deleted(seen: Seen) -> None:
    actions = seen["actions"]
    assert (actions["overwritten"]["version"], actions["overwritten"]["exec"]["kind"]) == ("0.0.2", "nodejs:20")
    updated = actions["updated"]
    assert (updated["version"], updated["parameters"]) == ("1.2.4", [{"key": "name", "value": "Ada"}])
    assert (annotation(updated, "why"), annotation(updated, "also")) == ("test", 1)
    assert (actions["deleted"]["name"], actions["severalDeleted"], actions["left"]) == ("whole", ["chain", "zipped"], ["greet"])


def test_actions_are_invoked(seen: Seen) -> None:
    actions = seen["actions"]
    assert actions["accepted"] == ["activationId"]
    assert actions["record"]["response"]["result"] == {"hello": "Ada"}
    assert (actions["result"], actions["several"]) == ({"hello": "Grace"}, 2)
    assert (actions["fromZip"], actions["throughChain"]) == ({"twice": 4}, {"hello": "Joan"})


def test_actions_are_refused_with_status_and_text(seen: Seen) -> None:
    actions = seen["actions"]
    failed = actions["failed"]
    assert (failed["status"], failed["response"]["result"]) == (502, {"error": "no name"})
    assert failed["said"] == 'POST URL Returned HTTP 502 (Bad Gateway) --> "no name"'
    assert (actions["again"]["status"], actions["again"]["text"]) == (409, "resource already exists")
    assert (actions["missing"]["status"], actions["missing"]["text"]) == (404, "The requested resource does not exist.")
    assert actions["unknownKind"]["status"] == 400
    assert "'cobol:85' is not supported" in actions["unknownKind"]["text"]


def test_activations(seen: Seen) -> None:
    activations = seen["activations"]
    record = activations["record"]
    assert (record["name"], activations["byOtherNames"]) == ("greet", ["greet", "greet"])
    assert activations["result"] == record["response"]
    assert activations["logs"] == record["logs"]
    assert sorted(line.partition("Z ")[2] for line in record["logs"]) == ["stderr: oh", "stdout: hi"]
    assert ([row["name"] for row in activations["listed"]], len(activations["second"])) == (["greet"], 1)
    assert activations["activationId"] in {each["activationId"] for each in activations["whole"]}
    assert all(each["response"]["success"] for each in activations["whole"])
    assert (activations["before"], list(activations["counted"])) == ([], ["activations"])
    assert activations["unknown"]["status"] == 404
    assert activations["short"]["text"] == "Activation id length is 1 but must be 32."


def test_packages_and_bindings(seen: Seen) -> None:
    packages = seen["packages"]
    assert (packages["created"]["publish"], annotation(packages["created"], "why")) == (True, "test")
    assert packages["updated"]["parameters"] == [{"key": "from", "value": "update"}]
    assert packages["bound"]["binding"] == {"namespace": seen.namespace, "name": "pack"}
    got = packages["got"]
    assert ([each["name"] for each in got["actions"]], [each["name"] for each in got["feeds"]]) == (["inner"], ["source"])
    assert packages["inner"] == packages["fully"] == {"from": "update"}
    assert packages["throughBinding"] == {"from": "update", "more": 1}
    assert (packages["listed"], packages["counted"]) == (["bound", "pack"], {"packages": 2})
    assert packages["system"]
    assert packages["foreign"]


def test_packages_are_refused_and_deleted(seen: Seen) -> None:
    packages = seen["packages"]
    assert packages["again"]["status"] == 409
    assert packages["full"]["text"].startswith("Package not empty (contains 2 entities).")
    assert packages["invoked"]["said"].startswith("Operation (invoke) not supported")
    assert (packages["deleted"], packages["left"]) == (["bound", "pack"], [])


def test_triggers(seen: Seen) -> None:
    triggers = seen["triggers"]
    created = triggers["created"]
    assert (created["parameters"], annotation(created, "why")) == ([{"key": "where", "value": "here"}], "test")
    assert (created["limits"], triggers["plain"]["parameters"]) == ({}, [])
    assert triggers["again"]["status"] == 409
    assert (triggers["got"], len(triggers["updated"]["parameters"])) == (triggers["updated"], 2)
    assert (triggers["listed"], triggers["counted"]) == (["bell", "plain"], {"triggers": 2})
    assert "activationId" not in triggers["unheard"]
    assert triggers["missing"]["status"] == 404
    assert triggers["deleted"]["name"] == "plain"


def test_rules(seen: Seen) -> None:
    rules, own = seen["rules"], seen.namespace
    created = rules["created"]
    assert (created["status"], annotation(created, "why")) == ("active", "test")
    assert (created["action"], created["trigger"]) == ({"path": own, "name": "heard"}, {"path": own, "name": "bell"})
    assert (rules["got"], rules["again"]["status"]) == (created, 409)
    assert rules["ofTrigger"] == {f"{own}/ring": {"action": created["action"], "status": "active"}}
    assert (rules["listed"], rules["counted"]) == (["ring"], {"rules": 1})
    assert (rules["updated"]["action"]["name"], rules["updated"]["status"]) == ("greet", "active")
    assert rules["noAction"]["text"] == f"action /{own}/nothing does not exist"
    assert rules["invoked"]["said"].startswith("Operation (invoke) not supported")
    assert rules["deleted"]["status"] == "inactive"


def test_a_rule_runs_its_action_while_it_is_enabled(seen: Seen) -> None:
    rules = seen["rules"]
    assert (rules["line"]["rule"], rules["line"]["success"]) == (f"{seen.namespace}/ring", True)
    heard = rules["heard"]
    assert (heard["where"], heard["when"], heard["tone"]) == ("here", "now", "low")
    assert "user-agent" in heard["__ow_headers"]
    assert (rules["off"], rules["on"]) == ("inactive", "active")
    assert "activationId" not in rules["unheard"]


def test_namespaces(seen: Seen) -> None:
    assert seen["namespaces"] == [seen.namespace]
    found = seen["namespace"]
    assert {"greet", "heard"} <= {each["name"] for each in found["actions"]}
    assert (found["packages"], found["triggers"], found["rules"]) == ([], [], [])


def test_feeds(seen: Seen) -> None:
    feeds = seen["feeds"]
    for method, event in {"create": "CREATE", "get": "READ", "update": "UPDATE", "delete": "DELETE"}.items():
        got = feeds[method]
        assert (got["lifecycleEvent"], got["every"]) == (event, 3)
        assert got["triggerName"] in {"/_/ticks", f"/{seen.namespace}/ticks"}
        assert ":" in got["authKey"]


def test_feeds_of_the_platform(seen: Seen) -> None:
    feeds = seen["feeds"]
    done = {"status": "success"}
    assert (feeds["alarmCreated"], feeds["alarmUpdated"], feeds["alarmDeleted"]) == (done, done, done)
    assert (feeds["alarmGot"]["config"]["minutes"], feeds["alarmAfter"]["config"]["minutes"]) == (600, 300)
    assert feeds["alarmGone"]["status"] == 502


def test_routes(seen: Seen) -> None:
    routes = seen["routes"]
    assert routes["created"]["apidoc"]["info"]["title"] == "the club"
    assert routes["person"] == [200, {"hello": "Ada", "method": "get"}]
    assert routes["locked"] == [200, {"hello": "nobody", "method": "post"}]
    assert (routes["listed"], routes["byName"]) == ([["/club", "the club"]], 1)
    assert (routes["got"], routes["onePath"]) == (["/locked", "/people/{name}"], ["/locked"])
    assert routes["noWebAction"]["status"] == 400
    assert routes["told"] == [200, {"hello": "Grace", "method": "get"}]
    assert (routes["afterPath"], routes["left"]) == (["/people/{name}"], 0)


def test_clients_of_other_options(seen: Seen) -> None:
    clients = seen["clients"]
    assert clients["bearer"] == clients["patient"] == ["greet", "heard"]
    assert clients["repeated"]["status"] == 404
    assert (clients["stranger"]["status"], clients["stranger"]["text"]) == (401, "The supplied authentication is invalid")
    assert clients["foreign"]["status"] == 403

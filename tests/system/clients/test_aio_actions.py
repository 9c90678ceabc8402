"""`aio rt action`: what is created, what it returns, and what the server keeps of it."""

import io
import json
import zipfile

import pytest

from ioruntime.testing.aio import Aio
from ioruntime.testing.server import ServerClient, actions

pytestmark = [pytest.mark.clients, pytest.mark.timeout(600)]  # a command takes seconds where the machine is busy

HELLO = "function main({ name }) { console.log('asked'); return { hello: name ?? 'nobody' } }\n"
MODULE = "exports.main = (params) => ({ from: require('./part').name, colour: process.env.COLOUR, params })"


def packed(**files: str) -> bytes:
    """A zip of files, `a_js` for `a.js`."""
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as writer:
        for name, content in files.items():
            writer.writestr(name.replace("_", "."), content)
    return archive.getvalue()


def test_a_source_file_from_its_creation_to_its_end(aio: Aio, api: ServerClient) -> None:
    aio.write("hello.js", HELLO)
    created = aio.json("action create hello hello.js --param name World --annotation why test --json")
    assert (created["version"], created["exec"]["kind"].partition(":")[0]) == ("0.0.1", "nodejs")
    assert created["exec"]["code"] == HELLO
    assert "resource already exists (409 Conflict)" in aio.refused("action create hello hello.js")
    assert aio.json("action invoke hello --result") == {"hello": "World"}
    assert aio.json("action invoke hello --result --param name Ada") == {"hello": "Ada"}
    updated = aio.json("action update hello --param name You --timeout 2000 --json")
    assert (updated["version"], updated["limits"]["timeout"]) == ("0.0.2", 2000)
    shown = aio.json("action get hello")
    assert shown["parameters"] == [{"key": "name", "value": "You"}]
    assert {"key": "why", "value": "test"} in shown["annotations"]
    assert "code" not in shown["exec"]
    assert aio("action get hello --code").strip() == HELLO.strip()
    assert [each["name"] for each in aio.json("action list --json")] == ["hello"]
    aio("action delete hello")
    assert api.request("GET", actions("hello")).status == 404
    assert "the requested resource does not exist. (404 Not Found)" in aio.refused("action get hello")


def test_a_zip_with_environment_limits_and_web_flags(aio: Aio, api: ServerClient) -> None:
    aio.write("it.zip", packed(package_json='{"main": "index.js"}', index_js=MODULE, part_js="exports.name = 'part'"))
    limits = "--timeout 5000 --memory 128 --logsize 5 --concurrency 3"
    made = aio.json(f"action create it it.zip --kind nodejs:20 --env COLOUR blue --param fixed 7 {limits} --web true --json")
    assert made["limits"] == {"timeout": 5000, "memory": 128, "logs": 5, "concurrency": 3}
    assert {"key": "COLOUR", "value": "blue", "init": True} in made["parameters"]
    assert (made["exec"]["binary"], made["exec"]["kind"]) == (True, "nodejs:20")
    assert {"web-export", "final"} <= {each["key"] for each in made["annotations"] if each["value"] is True}
    said = aio.json("action invoke it --result --param more", '{"deep": 1}')
    assert said == {"from": "part", "colour": "blue", "params": {"fixed": "7", "more": {"deep": 1}}}
    assert aio("action get it --url").strip().endswith(f"/api/v1/web/{made['namespace']}/default/it")
    aio("action get it --save-as saved.zip")
    assert zipfile.ZipFile(aio.home / "saved.zip").namelist() == ["package.json", "index.js", "part.js"]
    raw = aio.json("action update it --web raw --json")
    assert {"key": "raw-http", "value": True} in raw["annotations"]
    kept = api.request("GET", f"{actions('it')}?code=false").json()
    assert (kept["version"], kept["limits"]) == ("0.0.2", made["limits"])


def test_an_action_that_fails(aio: Aio, api: ServerClient) -> None:
    aio.write("bad.js", "function main() { return { error: 'no luck' } }")
    aio("action create bad bad.js")
    assert aio.json("action invoke bad --result") == {"error": "no luck"}
    response = aio.json("action invoke bad --blocking")["response"]
    assert (response["status"], response["success"]) == ("application error", False)
    # The client repeats whatever does not answer 2xx, twice; each time is an activation of its own.
    assert api.request("GET", "/api/v1/namespaces/_/activations?name=bad&count=true").json() == {"activations": 6}


def test_python_a_file_of_parameters_and_a_copy(aio: Aio) -> None:
    aio.write("greet.py", "def main(args):\n    return {'greeting': 'Hi ' + args['name'], 'n': args['n'] + 1}\n")
    aio.write("params.json", json.dumps({"name": "Bo", "n": 41}))
    aio("action create greet greet.py")
    assert aio.json("action invoke greet --result --param-file params.json") == {"greeting": "Hi Bo", "n": 42}
    aio("action create twin --copy greet")
    assert aio.json("action invoke twin --result --param-file params.json")["n"] == 42


def test_a_sequence(aio: Aio, api: ServerClient) -> None:
    aio.write("more.js", "function main({ n = 0 }) { console.log(`at ${n}`); return { n: n + 1 } }")
    aio("action create more more.js")
    made = aio.json("action create twice --sequence more,more --json")
    namespace = made["namespace"]
    assert made["exec"]["components"] == [f"/{namespace}/more"] * 2
    assert made["parameters"] == [{"key": "_actions", "value": [f"/{namespace}/more"] * 2}]
    record = aio.json("action invoke twice --blocking --param n 5")
    assert record["response"]["result"] == {"n": "511"}  # what is not JSON's object or array comes as a text
    printed = aio(f"activation logs {record['activationId']}")
    kept = api.record(record["activationId"])
    assert [child in printed for child in kept["logs"]] == [True, True]
    lines = aio("activation logs --action twice")
    assert [f"stdout: at {n}" in lines for n in ("5", "51")] == [True, True]
    assert "sequence component does not exist" in aio.refused("action create broken --sequence more,nothing")
    assert api.request("GET", actions("broken")).status == 404


def test_refusals_reach_the_person(aio: Aio) -> None:
    aio.write("hello.js", HELLO)
    assert "400 Bad Request" in aio.refused("action create hello hello.js --kind cobol:85")
    assert "exceeds allowed threshold" in aio.refused("action create hello hello.js --memory 1000000")
    assert "the requested resource does not exist" in aio.refused("action invoke nothing --result")
    assert "the requested resource does not exist" in aio.refused("action create nowhere/hello hello.js")

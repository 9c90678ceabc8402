"""Adobe's deploying clients: changes with a bearer token through the deploy service's paths, and whole manifests."""

from pathlib import Path

import pytest

from ioruntime.testing.aio import Aio
from ioruntime.testing.server import Server, ServerClient, actions

pytestmark = [pytest.mark.clients, pytest.mark.timeout(600)]

MANIFEST = """
project:
  name: garden
  packages:
    plants:
      license: Apache-2.0
      actions:
        water:
          function: water.js
          runtime: nodejs:20
          inputs: {litres: 2}
          limits: {timeout: 3000}
          annotations: {final: true}
        cut:
          function: cut.js
          runtime: nodejs:20
          web: 'yes'
      sequences:
        both: {actions: 'water,cut'}
"""


@pytest.fixture
def written(deploying_aio: Aio) -> Aio:
    deploying_aio.write("manifest.yml", MANIFEST)
    deploying_aio.write("water.js", "function main({ litres }) { return { wet: litres } }")
    deploying_aio.write("cut.js", "function main({ wet }) { return { cut: true, wet } }")
    return deploying_aio


def test_single_changes_with_a_token(deploying_aio: Aio, api: ServerClient) -> None:
    deploying_aio.write("hello.js", "function main() { return { hello: 1 } }")
    deploying_aio("action create hello hello.js")
    assert deploying_aio.json("action update hello --memory 128 --json")["limits"]["memory"] == 128
    assert deploying_aio.json("action invoke hello --result") == {"hello": 1}
    deploying_aio("action delete hello")
    assert api.request("GET", actions("hello")).status == 404


def test_a_token_that_is_worth_nothing(fetched: None, tmp_path: Path, server: Server, api: ServerClient) -> None:
    namespace = api.request("GET", "/api/v1/namespaces").json()[0]
    stranger = Aio.deploying(tmp_path, server.url, namespace, "a:b", token="made-up")
    stranger.write("hello.js", "function main() {}")
    assert "401" in stranger.refused("action create hello hello.js")
    assert api.request("GET", actions("hello")).status == 404


def test_a_manifest_is_deployed_changed_and_taken_away(written: Aio, api: ServerClient) -> None:
    written("deploy --manifest manifest.yml")
    water = api.request("GET", actions("plants/water")).json()
    assert (water["limits"]["timeout"], water["parameters"]) == (3000, [{"key": "litres", "value": 2}])
    assert api.invoke("plants/both").json()["response"]["result"] == {"cut": True, "wet": 2}
    written.write("water.js", "function main() { return { wet: 'very' } }")
    written("deploy --manifest manifest.yml")
    assert api.invoke("plants/both").json()["response"]["result"]["wet"] == "very"
    assert api.request("GET", actions("plants/water")).json()["version"] == "0.0.2"
    written("deploy undeploy --manifest manifest.yml")
    assert api.request("GET", "/api/v1/namespaces/_/packages").json() == []


def test_a_project_is_synchronised_exported_and_undeployed_by_its_name(written: Aio, api: ServerClient) -> None:
    written("deploy sync --manifest manifest.yml")
    managed = {each["key"] for each in api.request("GET", "/api/v1/namespaces/_/packages/plants").json()["annotations"]}
    assert "whisk-managed" in managed
    written("deploy export --projectname garden --manifest exported.yml")
    exported = (written.home / "exported.yml").read_text()
    assert all(name in exported for name in ("plants", "water", "cut", "both"))
    written("deploy undeploy --projectname garden")
    assert api.request("GET", "/api/v1/namespaces/_/packages").json() == []

"""Actions in containers: images for kinds, images that actions name, and what goes wrong with them."""

import base64
import io
import zipfile
from collections.abc import Iterator

import pytest

from ioruntime.testing.docker import IMAGE, DockerDaemon
from ioruntime.testing.server import Server, ServerClient, running_server

pytestmark = [pytest.mark.docker, pytest.mark.timeout(300)]

HELLO = """
import os, sys

def main(args):
    print("to the log")
    print("to the other log", file=sys.stderr)
    return {"hello": args.get("name"), "action": os.environ["__OW_ACTION_NAME"], "deadline": os.environ["__OW_DEADLINE"]}
"""


@pytest.fixture(scope="module")
def server(docker_daemon: DockerDaemon, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    environment = {
        "IORUNTIME_INVOKER__DRIVER": "docker",
        "IORUNTIME_INVOKER__PREWARM": "0",
        "IORUNTIME_DOCKER__SOCKET": str(docker_daemon.socket),
        "IORUNTIME_DOCKER__RUNTIMES": f"python:3.11={IMAGE}",
        "IORUNTIME_DOCKER__BLACKBOX_IMAGES": "ioruntime-test/*",
        "IORUNTIME_DOCKER__PULL": "never",
    }
    with running_server(tmp_path_factory.mktemp("docker") / "data", environment=environment) as running:
        yield running
    assert docker_daemon.containers() == []


@pytest.fixture
def client(server: Server) -> ServerClient:
    return server.guest


def put(client: ServerClient, name: str, exec_: dict[str, object]) -> tuple[int, dict[str, object]]:
    answer = client.request("PUT", f"/api/v1/namespaces/_/actions/{name}?overwrite=true", {"exec": exec_})
    return answer.status, answer.json()


def test_a_kind_runs_in_its_image(client: ServerClient) -> None:
    client.put_action("hello", HELLO, "python:3.11", overwrite=True)
    for name in ("Ada", "Grace"):  # the second one is warm
        answer = client.invoke("hello", {"name": name}, timeout_s=90).json()
        assert answer["response"]["result"]["hello"] == name, answer
        assert answer["response"]["result"]["action"] == "/guest/hello"
        record = client.ended(answer["activationId"])
        assert sorted(line.split(" ", 1)[1] for line in record["logs"]) == ["stderr: to the other log", "stdout: to the log"]


def test_an_archive_is_unpacked_by_the_image(client: ServerClient) -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("__main__.py", "from words import count\ndef main(args): return {'count': count(args['text'])}")
        archive.writestr("words.py", "def count(text): return len(text.split())")
    client.put_action("words", base64.b64encode(packed.getvalue()).decode(), "python:3.11", overwrite=True)
    assert client.invoke("words", {"text": "a b c"}, timeout_s=90).json()["response"]["result"] == {"count": 3}


def test_an_action_names_its_own_image(client: ServerClient) -> None:
    status, document = put(client, "boxed", {"kind": "blackbox", "image": IMAGE})
    assert (status, document["exec"]) == (200, {"kind": "blackbox", "image": IMAGE, "binary": False})
    answer = client.invoke("boxed", {"n": 1}, timeout_s=90).json()
    assert answer["response"]["result"] == {"asked": {"n": 1}}
    assert {"key": "kind", "value": "blackbox"} in answer["annotations"]


def test_an_image_gets_the_code_that_came_with_it(client: ServerClient) -> None:
    put(client, "coded", {"kind": "blackbox", "image": IMAGE, "code": "def go(args): return {'n': args['n'] + 1}", "main": "go"})
    assert client.invoke("coded", {"n": 1}, timeout_s=90).json()["response"]["result"] == {"n": 2}


@pytest.mark.parametrize(
    ("exec_", "said"),
    [
        pytest.param({"kind": "blackbox"}, "'image' must be a string defined in 'exec' for 'blackbox' actions", id="no image"),
        pytest.param(
            {"kind": "blackbox", "image": "other/image"},
            "The container image 'other/image' is not supported by this platform.",
            id="an image that the operator does not allow",
        ),
        pytest.param(
            {"kind": "blackbox", "image": "ioruntime-test/../x y"},
            "The container image 'ioruntime-test/../x y' is not supported by this platform.",
            id="no image's name",
        ),
    ],
)
def test_wrong_images_are_refused(client: ServerClient, exec_: dict[str, object], said: str) -> None:
    status, document = put(client, "refused", exec_)
    assert status == 400
    assert said in str(document["error"])


def test_an_image_that_is_not_there_is_the_developers_error(client: ServerClient) -> None:
    put(client, "absent", {"kind": "blackbox", "image": "ioruntime-test/absent:1"})
    answer = client.invoke("absent", timeout_s=90).json()
    assert answer["response"]["status"] == "action developer error"
    assert answer["response"]["result"] == {"error": "Failed to pull container image 'ioruntime-test/absent:1'."}


def test_a_kind_without_an_image_cannot_run(client: ServerClient) -> None:
    client.put_action("node", "function main() { return {} }", "nodejs:20", overwrite=True)
    answer = client.invoke("node", timeout_s=90).json()
    assert answer["response"]["status"] == "whisk internal error"


def test_time_and_memory_are_limited_from_outside(client: ServerClient) -> None:
    client.put_action(
        "slow", "import time\ndef main(args): time.sleep(60)", "python:3.11", overwrite=True, limits={"timeout": 5000}
    )
    answer = client.invoke("slow", timeout_s=90).json()
    assert answer["response"]["result"]["error"].startswith("The action exceeded its time limits of 5000 milliseconds")
    client.put_action(
        "greedy", "def main(args):\n  hoard = []\n  while True: hoard.append(b'x' * 2**20)", "python:3.11", overwrite=True
    )
    answer = client.invoke("greedy", timeout_s=90).json()
    assert answer["response"]["result"] == {"error": "The action exhausted its memory and was aborted."}


def test_there_is_no_network(client: ServerClient) -> None:
    code = "import os\ndef main(args): return {'devices': os.listdir('/sys/class/net')}"
    client.put_action("lonely", code, "python:3.11", overwrite=True)
    assert client.invoke("lonely", timeout_s=90).json()["response"]["result"] == {"devices": ["lo"]}

"""Projects from outside: made, deployed, kept as they are saved, and taken away."""

import json
import signal
import subprocess
import sys
import threading

import pytest
from tests.system.cli.conftest import Shell

from ioruntime.testing.server import Server, eventually

pytestmark = pytest.mark.timeout(180)
MANIFEST = """
project:
  name: shop
packages:
  default:
    actions:
      bare: {function: bare.js, web: yes}
  shop:
    public: true
    inputs: {currency: EUR}
    dependencies:
      words: {location: /whisk.system/utils, inputs: {more: 1}}
    actions:
      price:
        function: price
        runtime: python:default
        inputs: {rate: $RATE, text: string, deep: {type: number, value: 3}}
        annotations: {about: prices}
        limits: {timeout: 5000, memorySize: 128}
    sequences:
      twice: {actions: 'price, price'}
    triggers:
      sale: {inputs: {n: 1}}
      tick:
        feed: /whisk.system/alarms/interval
        inputs: {minutes: 60}
    rules:
      on-sale: {trigger: sale, action: price}
"""


def test_a_new_project_is_deployed_invoked_and_removed(shell: Shell) -> None:
    assert "made app/manifest.yml" in shell("init", "app").splitlines()
    assert "init overwrites nothing" in shell.refused("init", "app", code=2)
    manifest = ("-m", "app/manifest.yml")
    assert "deployed action app/hello" in shell("deploy", *manifest).splitlines()
    assert json.loads(shell("invoke", "app/hello", "--param", "name", "Ada", "--result")) == {"text": "Hello, Ada!"}
    assert json.loads(shell("invoke", "app/greet-and-count", "--result"))["letters"] == 10
    assert shell.json("rule", "get", "app-rings")["status"] == "active"
    shell("undeploy", *manifest)
    assert [shell.json(kind, "list") for kind in ("action", "package", "trigger", "rule")] == [[], [], [], []]
    assert shell("undeploy", *manifest) == "There was nothing to do.\n"
    assert json.loads(shell("init", "other", "--json"))


def test_everything_a_manifest_says_arrives_and_only_that_is_removed(shell: Shell) -> None:
    shell.write("bare.js", "function main() { return {ok: true} }")
    shell.write("price/__main__.py", "def main(args):\n    return args\n")
    shell.write("manifest.yml", MANIFEST)
    shell.write(".env", "RATE=7\n")
    done = shell.json("deploy")
    assert [each["kind"] for each in done] == ["package"] * 2 + ["action"] * 3 + ["trigger"] * 2 + ["rule"]
    price = shell.json("action", "get", "shop/price")
    assert {each["key"]: each["value"] for each in price["parameters"]} == {"currency": "EUR", "rate": "7", "text": "", "deep": 3}
    assert (price["limits"]["timeout"], price["limits"]["memory"]) == (5000, 128)
    assert {"key": "about", "value": "prices"} in price["annotations"]
    assert {"key": "web-export", "value": True} in shell.json("action", "get", "bare")["annotations"]
    assert shell.json("package", "get", "words")["binding"]["name"] == "utils"
    assert shell.json("invoke", "shop/twice", "--param", "n", "2")["response"]["result"]["n"] == 2
    shell("deploy")  # again, with its feed

    # What others have is not the project's.
    shell.write("mine.js", "function main() {}")
    shell("action", "create", "mine", "mine.js")
    shell("action", "create", "shop/mine", "mine.js")
    shell.write("manifest.yml", MANIFEST.replace("bare: {", "fresh: {"))
    assert {"done": "removed", "kind": "action", "name": "bare"} in shell.json("deploy", "--prune")
    assert "kept package shop, in which others have actions" in shell("undeploy")
    assert {each["name"] for each in shell.json("action", "list")} == {"mine"}
    assert shell.json("trigger", "list") == shell.json("rule", "list") == []
    shell("action", "delete", "shop/mine")
    assert "removed package shop" in shell("undeploy", "--project", "shop")


def test_what_is_wrong_with_a_manifest_names_it(shell: Shell) -> None:
    assert "ioruntime init" in shell.refused("deploy", code=2)
    for content, told in (
        ("packages: [", "is no YAML"),
        ("text", "not written as a manifest"),
        ("packages: {}", "has no packages"),
        ("packages: {a: {actions: {b: {runtime: x}}}}", "action a/b has no function"),
        ("packages: {a: {actions: {b: {function: none.js}}}}", "There is no file"),
        ("packages: {a: {actions: [1]}}", "not written as a manifest"),
    ):
        shell.write("manifest.yml", content)
        assert told in shell.refused("deploy", code=2)
    shell.write("a.js", "function main() {}")
    shell.write("manifest.yml", "packages: {p: {actions: {b: {function: a.js, limits: {timeout: 1}}}}}")
    assert "action p/b: " in shell.refused("deploy")


def test_the_console_has_a_url(shell: Shell, server: Server) -> None:
    assert shell("open", "--print") == f"{server.url}/console\n"
    assert shell.json("open") == {"url": f"{server.url}/console"}


class Developing:
    """A running `ioruntime dev`, and what it said."""

    def __init__(self, shell: Shell, *arguments: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "ioruntime", "dev", *arguments],
            cwd=shell.folder,
            env=shell.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self.lines: list[str] = []
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def said(self, text: str) -> str:
        return eventually(lambda: next((line for line in list(self.lines) if text in line), None), within_s=100)

    def stop(self) -> int:
        self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(60)
        self._reader.join()
        return code

    def _read(self) -> None:
        assert self.process.stdout is not None
        with self.process.stdout as lines:
            for line in lines:
                self.lines.append(line)


def test_what_is_saved_is_served_and_logs_are_printed(shell: Shell) -> None:
    shell("init", "app")
    developing = Developing(shell, "app")
    try:
        developing.said("ioruntime dev watches")
        shell.write("app/actions/hello.js", "function main() { console.log('changed'); return {text: 'new'} }")
        eventually(lambda: json.loads(shell("invoke", "app/hello", "--result")) == {"text": "new"}, within_s=60)
        # It prints what comes after its first look, which may be later than that invocation.
        eventually(
            lambda: shell("invoke", "app/hello") and any("stdout: changed" in line for line in developing.lines), within_s=60
        )
        assert sum("deployed action app/count" in line for line in developing.lines) == 1
        # A mistake is told; the next saving mends it.
        manifest = (shell.folder / "app" / "manifest.yml").read_text()
        shell.write("app/manifest.yml", "packages: [")
        developing.said("is no YAML")
        shell.write("app/manifest.yml", manifest.replace("greet-and-count", "both"))
        developing.said("deployed action app/both")
    finally:
        assert developing.stop() == 0


def test_dev_brings_a_server_of_its_own_and_ends_it(shell: Shell, server: Server) -> None:
    for name in ("IORUNTIME_APIHOST", "IORUNTIME_AUTH"):
        del shell.environment[name]
    # A server that the whole machine uses is not what is developed on.
    shell.write(".wskprops", f"APIHOST={server.url}\nAUTH={server.credentials['auth']}\n")
    shell("init", "app")
    developing = Developing(shell, "app", "--port", "0")
    try:
        developing.said("deployed action app/hello")
        data = str(shell.folder / "app" / ".ioruntime")
        assert json.loads(shell("invoke", "app/hello", "--result", "--data-dir", data)) == {"text": "Hello, world!"}
    finally:
        assert developing.stop() == 0
    assert "No server answers" in shell.refused("action", "list", "--data-dir", data)
    assert any(line.startswith("ioruntime ready on ") for line in developing.lines)

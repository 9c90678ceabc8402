"""Every command that speaks to a server, from outside."""

import json
import subprocess
import sys
import zipfile

import pytest
from tests.system.cli.conftest import Shell

from ioruntime.testing.server import Server, eventually

pytestmark = pytest.mark.timeout(180)
HELLO = "function main(p) { console.log('said ' + p.name); return {hello: p.name, n: p.n} }"
LIMITS = ("--memory", "128", "--logsize", "2")
FAILS = "function main() { return {error: 'no luck'} }"


def test_an_action_from_its_creation_to_its_end(shell: Shell) -> None:
    shell.write("hello.js", HELLO)
    shell.write("given.json", '{"n": 1, "name": "file"}')
    assert shell("action", "create", "hello", "hello.js", "--param", "name", "default") == "action hello is created.\n"
    assert "already exists" in shell.refused("action", "create", "hello", "hello.js")

    document = shell.json("action", "get", "hello")
    assert (document["exec"]["code"], document["parameters"]) == (HELLO, [{"key": "name", "value": "default"}])
    changed = shell.json(
        "action", "update", "hello", "--memory", "128", "--logsize", "2", "--web", "true", "--annotation", "note", '{"a": 1}'
    )
    assert (changed["version"], changed["limits"]["memory"], changed["limits"]["logs"]) == ("0.0.2", 128, 2)
    assert {"key": "note", "value": {"a": 1}} in changed["annotations"]
    assert [each["name"] for each in shell.json("action", "list")] == ["hello"]
    assert "hello" in shell("action", "list")

    assert json.loads(shell("invoke", "hello", "--result", "--param-file", "given.json", "--param", "name", "Ada")) == {
        "hello": "Ada",
        "n": 1,
    }
    activation = shell.json("action", "invoke", "hello", "--param", "n", "[1, -2]", "--param", "m", "-1")
    assert activation["response"]["result"] == {"hello": "default", "n": [1, -2]}
    assert "said default" in shell("activation", "logs", activation["activationId"])
    assert json.loads(shell("activation", "result", activation["activationId"]))["hello"] == "default"
    assert shell.json("activation", "get", activation["activationId"])["name"] == "hello"

    assert shell("action", "delete", "hello") == "action hello is deleted.\n"
    assert "does not exist" in shell.refused("action", "get", "hello")


def test_folders_archives_and_sequences_become_actions(shell: Shell) -> None:
    shell.write("app/__main__.py", "from more import double\n\ndef main(args):\n    return {'n': double(args['n'])}\n")
    shell.write("app/more.py", "def double(n):\n    return n * 2\n")
    with zipfile.ZipFile(shell.folder / "app.zip", "w") as archive:
        for name in ("__main__.py", "more.py"):
            archive.write(shell.folder / "app" / name, name)
    shell("package", "create", "tools")
    shell("action", "create", "tools/folder", "app")
    shell("action", "create", "tools/archive", "app.zip")
    shell("action", "create", "both", "--sequence", "tools/folder, tools/archive")
    assert json.loads(shell("invoke", "both", "--param", "n", "3", "--result")) == {"n": 12}
    assert "--json prints them" in shell("action", "get", "tools/folder")
    assert {each["name"] for each in shell.json("action", "list", "tools")} == {"folder", "archive"}


def test_an_action_that_fails_is_told_by_the_exit_code(shell: Shell) -> None:
    shell.write("fails.js", FAILS)
    shell("action", "create", "fails", "fails.js")
    done = shell.run("invoke", "fails", "--result")
    assert (done.returncode, json.loads(done.stdout)) == (1, {"error": "no luck"})
    assert done.stderr.startswith("application error after ")
    # Not to wait is not to know.
    accepted = shell("invoke", "fails", "--no-wait").strip()
    record = eventually(lambda: shell.run("activation", "get", accepted).stdout or None, within_s=60)
    assert json.loads(record)["response"]["success"] is False
    assert accepted in shell("activation", "list", "fails")


def test_packages_are_created_bound_and_deleted(shell: Shell) -> None:
    shell("package", "create", "tools", "--param", "greeting", "hi", "--shared", "--annotation", "about", "tools")
    namespace = shell.json("package", "get", "tools")["namespace"]
    shell("package", "bind", f"/{namespace}/tools", "mine", "--param", "more", "1")
    bound = shell.json("package", "get", "mine")
    assert {each["key"]: each["value"] for each in bound["parameters"]} == {"greeting": "hi", "more": 1}
    assert shell.json("package", "create", "tools", "--update", "--private")["publish"] is False
    assert f"/{namespace}/tools" in shell("package", "list")
    shell.write("hello.js", HELLO)
    shell("action", "create", "tools/hello", "hello.js")
    assert "not empty" in shell.refused("package", "delete", "tools")
    shell("package", "delete", "mine")
    shell("package", "delete", "tools", "--force")
    assert shell.json("package", "list") == []


def test_a_trigger_runs_what_its_rules_say(shell: Shell) -> None:
    shell.write("hello.js", HELLO)
    shell("action", "create", "hello", "hello.js")
    shell("trigger", "create", "bell", "--param", "name", "bell")
    assert "no active rule" in shell("trigger", "fire", "bell")
    shell("rule", "create", "ring", "bell", "hello")
    assert shell.json("rule", "get", "ring")["status"] == "active"
    shell("trigger", "fire", "bell", "--param", "n", "1")
    assert eventually(lambda: shell.json("activation", "list", "hello") or None, within_s=60)
    shell("rule", "disable", "ring")
    assert shell.json("rule", "get", "ring")["status"] == "inactive"
    assert [line.split() for line in shell("rule", "list").splitlines()][1:] == [["ring", "bell", "hello"]]
    assert shell.json("rule", "enable", "ring") == {"name": "ring", "status": "active"}
    assert shell.json("trigger", "list")[0]["name"] == shell.json("trigger", "get", "bell")["name"] == "bell"
    shell("rule", "delete", "ring")
    shell("trigger", "delete", "bell")
    assert shell.json("rule", "list") == shell.json("trigger", "list") == []


def test_logs_tell_what_was_and_follow_what_comes(shell: Shell) -> None:
    shell.write("hello.js", HELLO)
    shell("action", "create", "hello", "hello.js")
    shell("invoke", "hello", "--param", "name", "first")
    # The record may come a moment after the answer.
    assert "said first" in eventually(lambda: shell("logs") or None, within_s=60)
    following = subprocess.Popen(
        [sys.executable, "-m", "ioruntime", "logs", "hello", "--follow", "--json"],
        cwd=shell.folder,
        env=shell.environment,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert following.stdout is not None
        assert "said first" in following.stdout.readline()  # it looks from here on
        shell("invoke", "hello", "--param", "name", "second")
        assert "said second" in json.loads(following.stdout.readline())["logs"][0]
    finally:
        following.kill()
        following.communicate()


def test_what_is_wrong_says_what_to_do(shell: Shell, server: Server) -> None:
    assert "ioruntime serve" in shell.refused("action", "list", "--apihost", "http://127.0.0.1:9")
    assert "does not know the key from --auth" in shell.refused("action", "list", "--auth", "no:key")
    assert "no name" in shell.refused("action", "get", "a/b/c", code=2)
    assert "no host of an API" in shell.refused("action", "list", "--apihost", "ftp://x", code=2)
    assert "--limit" in shell.refused("action", "list", "--limit", "0", code=2)
    assert "There is no file" in shell.refused("action", "create", "x", "none.js", code=2)
    assert "Say what the action is" in shell.refused("action", "create", "x", code=2)
    shell.write("list.json", "[]")
    assert "JSON object" in shell.refused("invoke", "x", "--param-file", "list.json", code=2)
    assert "is no package" in shell.refused("package", "bind", "/a/b/c", "x", code=2)


def test_the_data_directory_gives_the_key_of_guest(shell: Shell, server: Server) -> None:
    shell.environment.pop("IORUNTIME_AUTH")
    assert "There is no key" in shell.refused("trigger", "list")
    assert "TRIGGER" in shell("trigger", "list", "--data-dir", str(server.data_dir))

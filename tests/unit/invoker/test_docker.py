"""What containers are asked for, and how the ends of their output are found."""

from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ioruntime.invoker.drivers.docker.container import Folders, command_of, document, trouble
from ioruntime.invoker.drivers.docker.framing import SENTINEL, Framing
from ioruntime.invoker.drivers.docker.settings import DockerSettings
from ioruntime.ports.sandbox import Interpreter, Network, SandboxSpec, Stream

SETTINGS = DockerSettings(state_dir=Path("/state"))
SPEC = SandboxSpec(Interpreter("python:3.11", (), environment=(("A", "b"),), image="some/image"), 256)


def asked(settings: DockerSettings = SETTINGS) -> dict[str, Any]:
    return document(SPEC, settings, command=["run", "it"], folders=Folders("/state/1/code", "/state/1/pipes"), owner="ours")


@pytest.mark.parametrize(
    ("flag", "value"),
    [
        pytest.param("CapDrop", ["ALL"], id="no capabilities"),
        pytest.param("SecurityOpt", ["no-new-privileges"], id="no new privileges"),
        pytest.param("Privileged", False, id="not privileged"),
        pytest.param("NetworkMode", "none", id="no network"),
        pytest.param("IpcMode", "private", id="no shared memory with others"),
        pytest.param("Memory", 256 << 20, id="memory"),
        pytest.param("MemorySwap", 256 << 20, id="no swap beside it"),
        pytest.param("PidsLimit", 1024, id="processes"),
        pytest.param("LogConfig", {"Type": "none"}, id="the engine keeps no output"),
        pytest.param("RestartPolicy", {"Name": "no"}, id="dead is dead"),
    ],
)
def test_a_container_is_held(flag: str, value: object) -> None:
    assert asked()["HostConfig"][flag] == value


def test_a_container_sees_of_the_host_only_what_it_cannot_change() -> None:
    mounts = asked()["HostConfig"]["Mounts"]
    assert [(mount["Source"], mount["Target"]) for mount in mounts] == [
        ("/state/1/code", "/code"),
        ("/state/1/pipes", "/ioruntime"),
    ]
    assert all(mount["ReadOnly"] for mount in mounts)


@pytest.mark.parametrize(
    ("interpreter", "image", "expected"),
    [
        pytest.param(
            Interpreter("k", ("run", "--heap={memory_mb}"), image="i"),
            {"Config": {"Cmd": ["x"]}},
            ["run", "--heap=256"],
            id="own",
        ),
        pytest.param(Interpreter("k", (), image="i"), {"Config": {"Entrypoint": ["a"], "Cmd": ["b"]}}, ["a", "b"], id="image's"),
        pytest.param(Interpreter("k", (), image="i"), {"Config": {"Entrypoint": None, "Cmd": ["b"]}}, ["b"], id="no entrypoint"),
        pytest.param(Interpreter("k", (), image="i"), {"Config": None}, [], id="an image that runs nothing"),
    ],
)
def test_command(interpreter: Interpreter, image: dict[str, Any], expected: list[str]) -> None:
    assert command_of(interpreter, image, memory_mb=256) == expected


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        pytest.param("ok\n", None, id="it runs"),
        pytest.param("there is no program x in it\n", "there is no program x in it", id="it says why not"),
        pytest.param("", "its shell ended early", id="it says nothing"),
    ],
)
def test_trouble(told: str, expected: str | None) -> None:
    assert trouble(told) == expected


def split(text: bytes, cuts: list[int]) -> list[bytes]:
    places = sorted({cut % (len(text) + 1) for cut in cuts})
    return [text[begin:end] for begin, end in zip([0, *places], [*places, len(text)], strict=True)]


@given(
    st.lists(st.sampled_from([b"line\n", b"XXX_THE\n", b"\n", b"XXX", SENTINEL + b"\n"]), max_size=12),
    st.lists(st.integers(0, 500), max_size=8),
)
def test_sentinels_are_found_however_the_output_is_cut(parts: list[bytes], cuts: list[int]) -> None:
    whole = b"".join(parts)
    framing = Framing()
    shown = b"".join(framing.feed(Stream.STDOUT, piece) for piece in split(whole, cuts)) + framing.rest(Stream.STDOUT)
    assert shown == whole.replace(SENTINEL + b"\n", b"")


def test_output_is_complete_when_both_streams_have_ended() -> None:
    framing = Framing()
    framing.feed(Stream.STDOUT, SENTINEL + b"\n")
    assert not framing.complete
    framing.feed(Stream.STDERR, SENTINEL + b"\n")
    assert framing.complete
    framing.forget()
    assert not framing.complete


@pytest.mark.parametrize(
    ("network", "expected"), [(None, "ours"), ("internet", "ours"), ("none", "none")], ids=["not said", "as ever", "less"]
)
def test_a_namespace_may_have_less_network_than_the_installation(network: Network | None, expected: str) -> None:
    spec = msgspec.structs.replace(SPEC, network=network)
    settings = msgspec.structs.replace(SETTINGS, network="ours")
    folders = Folders("/state/1/code", "/state/1/pipes")
    assert document(spec, settings, command=["run"], folders=folders, owner="us")["HostConfig"]["NetworkMode"] == expected

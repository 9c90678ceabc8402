"""What holds for all names, code and archives."""

import base64
import io
import posixpath
import re
import tarfile
import zipfile
from contextlib import suppress
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from ioruntime.model.archive import ArchiveError, check_archive, check_entry, check_link
from ioruntime.model.errors import InvalidError
from ioruntime.model.exec import decode_code, encode_code
from ioruntime.model.limits import OVERRIDES, Limits, check_limits, check_override, effective
from ioruntime.model.names import EntityPath, check_entity_name
from ioruntime.model.params import Parameter, merge_parameters

CONTRACT = re.compile(r"\A([\w]|[\w][\w@ .&-]{0,254}[\w@.&-])\Z", re.ASCII)
NAMES = st.from_regex(CONTRACT, fullmatch=True)
NEARLY = st.text(st.sampled_from("aZ0_@ .&-/é\n"), max_size=12) | st.text(st.sampled_from("ab"), min_size=250, max_size=260)


def is_name(text: str) -> bool:
    try:
        return check_entity_name(text) == text
    except InvalidError:
        return False


@given(NEARLY | NAMES | st.text())
def test_a_name_is_what_the_contract_says(text: str) -> None:
    assert is_name(text) == bool(CONTRACT.match(text) and not text.endswith("\n"))


@given(NAMES.filter(lambda name: name != "_"), NAMES, st.none() | NAMES.filter(lambda name: name != "default"))
def test_a_path_is_read_back_from_its_text(namespace: str, name: str, package: str | None) -> None:
    path = EntityPath(namespace, name, package)
    assert EntityPath.parse(f"/{path}", own_namespace="me") == path
    assert EntityPath.of(namespace, *path.key.split("/")) == path


@given(st.binary())
def test_archives_survive_the_round_trip(content: bytes) -> None:
    text = base64.b64encode(content).decode()
    decoded, binary = decode_code(text)
    assert encode_code(decoded, binary=binary) == text
    assert binary == bool(content)


@given(st.text())
def test_source_is_kept_or_was_base64(text: str) -> None:
    content, binary = decode_code(text)
    assert len(content) <= len(text.encode())
    assert binary or encode_code(content, binary=False) == text


PARAMETERS = st.lists(st.builds(Parameter, st.sampled_from("abc"), st.integers())).map(tuple)


@given(PARAMETERS, PARAMETERS, PARAMETERS)
def test_merging_is_overlaying(
    package: tuple[Parameter, ...], binding: tuple[Parameter, ...], action: tuple[Parameter, ...]
) -> None:
    merged = merge_parameters(package, binding, action)
    assert {p.key: p.value for p in merged} == {p.key: p.value for layer in (package, binding, action) for p in layer}
    assert merged == merge_parameters(merge_parameters(package, binding), action)
    assert len({p.key for p in merged}) == len(merged)


NUMBERS = sorted(OVERRIDES.keys() - {"allowedKinds", "storeActivations", "network"})


@given(st.dictionaries(st.sampled_from(NUMBERS), st.integers(0, 10**12)))
def test_no_namespace_gets_bigger_sandboxes_than_the_platform_gives(overrides: dict[str, Any]) -> None:
    system = Limits()
    mine = effective(system, {name: check_override(name, value) for name, value in overrides.items()})
    for field in ("timeout_ms", "memory_mb", "logs_mb", "concurrency"):
        assert getattr(mine, field).most <= getattr(system, field).most
        assert getattr(mine, field).least <= getattr(system, field).most
    assert mine.parameters_bytes <= system.parameters_bytes


@given(st.dictionaries(st.sampled_from([name for name in NUMBERS if name.startswith("max")]), st.integers(1000, 10**12)))
def test_an_action_without_limits_is_always_allowed(overrides: dict[str, Any]) -> None:
    mine = effective(Limits(), overrides)
    check_limits(mine.defaults(), mine)


PIECES = st.sampled_from(["a", "b", "..", ".", "", "c.d", "...", "/", "\\"])
PATHS = st.lists(PIECES, min_size=1, max_size=6).map("/".join)


@given(PATHS)
def test_no_entry_that_passes_leads_outside(name: str) -> None:
    with suppress(ArchiveError):
        inside = check_entry(name)
        assert posixpath.commonpath(["/root", posixpath.normpath(posixpath.join("/root", inside))]) == "/root"


@given(st.lists(st.sampled_from(["a", "b"]), min_size=1, max_size=4).map("/".join), PATHS)
def test_no_link_that_passes_leads_outside(name: str, target: str) -> None:
    with suppress(ArchiveError):
        check_link(name, target)
        reached = posixpath.normpath(posixpath.join("/root", posixpath.dirname(name), target))
        assert posixpath.commonpath(["/root", reached]) == "/root"


def _zip() -> bytes:
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w") as target:
        target.writestr("package.json", "{}")
        target.writestr("lib/é.js", "x" * 50)
    return sink.getvalue()


def _tar() -> bytes:
    sink = io.BytesIO()
    with tarfile.open(fileobj=sink, mode="w:gz", compresslevel=0) as target:
        for name in ("a", "b" * 120):
            target.addfile(tarfile.TarInfo(name))
        link = tarfile.TarInfo("l")
        link.type, link.linkname = tarfile.LNKTYPE, "a"
        target.addfile(link)
    return sink.getvalue()


DAMAGE = st.lists(st.tuples(st.integers(0, 2**16), st.integers(0, 255)), max_size=8)


@given(st.sampled_from([_zip(), _tar()]), DAMAGE, st.integers(0, 50))
def test_damaged_archives_pass_or_are_refused_but_never_crash(content: bytes, damage: list[tuple[int, int]], cut: int) -> None:
    damaged = bytearray(content)
    for at, value in damage:
        damaged[at % len(damaged)] = value
    with suppress(ArchiveError):
        check_archive(bytes(damaged[: len(damaged) - cut]))

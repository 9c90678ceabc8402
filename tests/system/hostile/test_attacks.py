"""Each file of `attacks` is an action that tries what its first line says; its second line says how it must end."""

from pathlib import Path
from typing import Any

import pytest
from tests.system.hostile.conftest import Arena

from ioruntime.testing.server import actions

pytestmark = pytest.mark.timeout(180)

ATTACKS = sorted(path for path in (Path(__file__).parent / "attacks").rglob("*.*") if path.suffix in {".js", ".py"})
KINDS = {".js": "nodejs:default", ".py": "python:default"}
LIMITS = {"timeout": 5_000, "memory": 128, "logs": 1}
LOG_BYTES_MOST = 1_200_000


@pytest.mark.parametrize("attack", ATTACKS, ids=lambda path: f"{path.parent.name}-{path.stem}-{path.suffix[1:]}")
def test_attack(arena: Arena, attack: Path) -> None:
    name = f"{attack.parent.name}-{attack.stem}-{attack.suffix[1:]}"
    code = attack.read_text()
    arena.attacker.put_action(name, code, KINDS[attack.suffix], limits=LIMITS)
    try:
        with arena.victim.answering():
            record = arena.attacker.invoke(name, arena.targets, timeout_s=60).json()
        record["logs"] = arena.attacker.ended(record["activationId"])["logs"]
    finally:
        arena.attacker.request("DELETE", actions(name))
    _assert_expected(code.splitlines()[1].partition("expect: ")[2], record, arena.user)


def test_there_are_many() -> None:
    assert len(ATTACKS) >= 60
    for attack in ATTACKS:
        what, expected = attack.read_text().splitlines()[:2]
        assert what.endswith(".")
        assert expected[2:].startswith(" expect: ") or expected.startswith("# expect: ")


def _assert_expected(expected: str, record: Any, user: str) -> None:
    response = record["response"]
    result: dict[str, Any] = response["result"] or {}
    error = str(result.get("error", ""))
    ordinary = expected.partition(" | ")[2]
    match ordinary if ordinary and user != "root" else expected.partition(" | ")[0]:
        case "denied":
            assert response["success"], record
            assert result == {"breaches": []}, result
        case "denied or ends" | "contained":
            assert result.get("breaches", []) == [], result
        case "ends":
            assert not response["success"], record
        case "out of memory":
            assert error == "The action exhausted its memory and was aborted.", record
        case "timeout":
            assert "exceeded its time limits" in error, record
        case "logs cut":
            assert sum(map(len, record["logs"])) <= LOG_BYTES_MOST
        case "last line kept":
            assert any(line.endswith("the last line") for line in record["logs"]), record["logs"]
        case "own harm":
            assert record["activationId"]
        case other:
            raise AssertionError(f"no such expectation: {other}")

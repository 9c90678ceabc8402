"""What became of what was promised."""

from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

import msgspec

from ioruntime.testing.server import ServerClient, eventually

INTERRUPTED = "The activation was interrupted: the platform stopped before it ended."
_PAGE = 200


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """Counts; only `accepted`, `recorded`, `begun`, `ended` and `interrupted` may be above zero."""

    accepted: int
    """Promised with a 202, or named by the record of a fired trigger."""
    recorded: int
    """Of these, with a record."""
    lost: int
    duplicate: int
    interrupted: int
    started_twice: int
    ended_unstarted: int
    """With a successful record of code that never reported a start."""

    @property
    def is_good(self) -> bool:
        return not (self.lost or self.duplicate or self.started_twice or self.ended_unstarted)

    def __str__(self) -> str:
        return "  ".join(f"{name.replace('_', ' ')} {value}" for name, value in msgspec.structs.asdict(self).items())


def judge(client: ServerClient, promised: Sequence[str], starts: Counter[str], *, within_s: float) -> Verdict:
    """Wait until everything that was promised has a record and nothing more comes, or the time is over, and count."""
    last: list[Any] = []

    def is_settled() -> bool:
        nonlocal last
        before, last = last, all_records(client)
        return before == last and _wanted(promised, last) <= {record["activationId"] for record in last}

    with suppress(AssertionError):  # the verdict tells what is missing
        eventually(is_settled, within_s=within_s)
    return _count(last, _wanted(promised, last), starts)


def all_records(client: ServerClient) -> list[Any]:
    """Page through every record of the namespace; while others come, one may be there twice."""
    records: list[Any] = []
    while page := client.request("GET", f"/api/v1/namespaces/_/activations?docs=true&limit={_PAGE}&skip={len(records)}").json():
        records += page
    return records


def _wanted(promised: Sequence[str], records: Sequence[Any]) -> set[str]:
    return {*promised, *_started_by_rules(records)}


def _started_by_rules(records: Sequence[Any]) -> set[str]:
    """Name the activations that fired triggers started, by the lines of their records."""
    lines = [msgspec.json.decode(line) for record in records for line in record["logs"] if line.startswith("{")]
    return {line["activationId"] for line in lines if "activationId" in line}


def _count(records: Sequence[Any], wanted: set[str], starts: Counter[str]) -> Verdict:
    ids = Counter(record["activationId"] for record in records)
    code = [record for record in records if record["name"] == "report" and record["response"]["success"]]
    return Verdict(
        accepted=len(wanted),
        recorded=sum(id_ in ids for id_ in wanted),
        lost=sum(id_ not in ids for id_ in wanted),
        duplicate=sum(count > 1 for count in ids.values()),
        interrupted=sum(record["response"].get("result") == {"error": INTERRUPTED} for record in records),
        started_twice=sum(count > 1 for count in starts.values()),
        ended_unstarted=sum(starts[record["activationId"]] == 0 for record in code),
    )

"""Whether a page of the console comes as fast beside 10,000 actions and 1,000,000 activations as beside few, within 100 ms.

What is measured is the server's processor time for a page, all its threads together, so that other programs do not count.
"""

import asyncio
import http.client
import os
import re
import tempfile
import time
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from urllib.parse import urlencode

from benchmarks.filling import STEP_MS, Filled, fill
from benchmarks.plan import Plan
from benchmarks.rounds import Measure, alternate
from benchmarks.rows import Row, compare
from benchmarks.server import UNLIMITED
from ioruntime.model.names import EntityPath
from ioruntime.testing.server import GUEST_AUTH, Server, running_server

_ACTIONS = 10_000
_FEW = 1_000
_GOAL = 2
_LIMIT_MS = 100.0
_LEAST = 10
"""Pages for each measure: the processor's clock goes in steps of 10 ms."""
_TEMPLATE = "listed"
_FORM = {"Content-Type": "application/x-www-form-urlencoded"}


class _Reader:
    """Somebody who is signed in, over one connection."""

    def __init__(self, server: Server) -> None:
        host, port = server.url.removeprefix("http://").split(":")
        self._stat = Path(f"/proc/{server.process.pid}/stat")
        self._connection = http.client.HTTPConnection(host, int(port))
        self._cookie = ""
        token = re.search(r'name="csrf" value="(\w+)"', self.get("/console/signin"))
        assert token is not None
        body = urlencode({"csrf": token[1], "credential": GUEST_AUTH})
        self._connection.request("POST", "/console/signin", body, {"Cookie": self._cookie, **_FORM})
        self._answer(303)

    def get(self, target: str) -> str:
        """Return a page."""
        self._connection.request("GET", target, headers={"Cookie": self._cookie})
        return self._answer(200)

    def cpu_ms(self) -> float:
        """Return the processor time that the server has used so far."""
        fields = self._stat.read_text().rpartition(") ")[2].split()
        return (int(fields[11]) + int(fields[12])) * 1000 / os.sysconf("SC_CLK_TCK")

    def connect_anew(self) -> None:
        """Close the connection, which the server may have closed since it was used last; the next page opens another."""
        self._connection.close()

    def _answer(self, status: int) -> str:
        response = self._connection.getresponse()
        text = response.read().decode()
        assert response.status == status, (response.status, text)
        self._cookie = (response.getheader("set-cookie") or self._cookie).partition(";")[0]
        return text


def measure(plan: Plan) -> Sequence[Row]:
    """Compare the pages of a namespace with many things to those of one with few, and to what a page may take."""
    with _filled(_FEW, _FEW) as (few, few_pages), _filled(_ACTIONS, plan.records) as (many, many_pages):
        taken = {
            what: alternate(
                {"few": _time(few, few_pages[what], plan), "many": _time(many, many_pages[what], plan)}, rounds=plan.rounds
            )
            for what in few_pages
        }
    compared = [compare(what, rounds, ("many", "few"), unit="ms", goal=_GOAL, better="lower") for what, rounds in taken.items()]
    return [*compared, *(_within(what, rounds["many"]) for what, rounds in taken.items())]


@contextmanager
def _filled(actions: int, activations: int) -> Generator[tuple[_Reader, Mapping[str, str]]]:
    with tempfile.TemporaryDirectory(prefix="ioruntime-bench-") as folder:
        data_dir = Path(folder, "data")
        with running_server(data_dir, environment=UNLIMITED) as running:
            running.guest.put_action(_TEMPLATE, "function main() { return {} }")
        filled = asyncio.run(fill(data_dir, EntityPath("guest", _TEMPLATE), actions=actions, activations=activations))
        with running_server(data_dir, environment=UNLIMITED) as running:
            yield _Reader(running), _pages(filled)


def _pages(filled: Filled) -> Mapping[str, str]:
    """Return where each page is, by its name."""
    middle_ms = filled.first_ms + filled.activations // 2 * STEP_MS
    at = "/console/ns/guest"
    return {
        "overview": at,
        "actions": f"{at}/actions",
        "actions, page in the middle": f"{at}/actions?skip={filled.actions // 2}",
        "one action": f"{at}/actions/default/{_TEMPLATE}",
        "settings of an action": f"{at}/actions/default/{_TEMPLATE}/settings",
        "activations": f"{at}/activations",
        "activations of a name": f"{at}/activations?name=frequent",
        "activations, page in the middle": f"{at}/activations?before={middle_ms}",
        "one activation": f"{at}/activations/{filled.middle}",
        "rules": f"{at}/rules",
        "charts": f"{at}/charts?minutes=180",
    }


def _time(reader: _Reader, target: str, plan: Plan) -> Measure:
    def measured() -> float:
        reader.connect_anew()
        reader.get(target)
        count, started_ms, end_s = 0, reader.cpu_ms(), time.perf_counter() + plan.seconds / 2
        while count < _LEAST or time.perf_counter() < end_s:
            reader.get(target)
            count += 1
        return (reader.cpu_ms() - started_ms) / count

    return measured


def _within(what: str, rounds: Sequence[float]) -> Row:
    took_ms = median(rounds)
    return Row(
        what=f"{what}, within what a page may take",
        ours=took_ms,
        against=_LIMIT_MS,
        unit="ms",
        peer="limit",
        ratio=took_ms / _LIMIT_MS,
        goal=1,
        better="lower",
    )

"""The benchmarks' own arithmetic: what they print must be what was measured."""

import sys
from pathlib import Path

import msgspec
import pytest

sys.path.insert(0, str(Path(__file__).parents[2]))  # the benchmarks are no part of what is installed

from benchmarks.client import content_length
from benchmarks.filling import PACKAGED, RARE, STEP_MS, activation, fill
from benchmarks.report import table, write
from benchmarks.requests import Target
from benchmarks.rounds import alternate
from benchmarks.rows import Row, bounded, compare, paired_ratio, percentile
from benchmarks.server import metric
from benchmarks.wrk import Load, LoadError, read

from ioruntime.model.names import EntityPath
from ioruntime.ports.activations import ActivationFilter
from ioruntime.ports.entities import Collection
from ioruntime.stores.sql.stores import SqlStores
from ioruntime.testing.entities_contract import sample_action
from ioruntime.testing.namespaces_contract import sample_namespace

ROW = Row(what="warm", ours=5123.4, against=15000.0, unit="requests/s", peer="floor", ratio=0.3412, goal=0.3)

REPORT = """Running 2s test @ http://127.0.0.1:3233/
  1 threads and 32 connections
  Thread Stats   Avg      Stdev     Max   +/- Stdev
    Latency    10.60ms    3.10ms  42.77ms   81.00%
    Req/Sec     3.02k   310.00     3.51k    70.00%
  6012 requests in 2.00s, 1.52MB read
Requests/sec:   3005.61
Transfer/sec:    778.30KB
"""

METRICS = """# HELP ioruntime_sandboxes Sandboxes by kind and state.
ioruntime_sandboxes{kind="nodejs:24",state="prewarm"} 2.0
ioruntime_sandboxes{kind="nodejs:24",state="idle"} 3.0
ioruntime_sandboxes{kind="python:3.13",state="prewarm"} 1.0
ioruntime_sandboxes_created 9.0
"""


@pytest.mark.parametrize(
    ("percent", "expected"),
    [
        pytest.param(50, 2.0, id="the median of four is the second"),
        pytest.param(99, 4.0, id="a high one is the last"),
        pytest.param(1, 1.0, id="a low one is the first"),
        pytest.param(100, 4.0, id="all of them"),
    ],
)
def test_percentile(percent: float, expected: float) -> None:
    assert percentile([3.0, 1.0, 4.0, 2.0], percent) == expected


def test_there_is_no_percentile_of_nothing() -> None:
    with pytest.raises(ValueError, match="nothing"):
        percentile([], 50)


def test_a_ratio_is_the_median_of_the_rounds_ratios() -> None:
    assert paired_ratio([1.0, 30.0, 2.0], [2.0, 30.0, 8.0]) == 0.5


def test_rounds_that_do_not_match_have_no_ratio() -> None:
    with pytest.raises(ValueError, match="shorter"):
        paired_ratio([1.0, 2.0], [1.0])


def test_a_comparison_keeps_medians_and_the_ratio_apart() -> None:
    row = compare("x", {"ours": [1.0, 30.0, 2.0], "floor": [2.0, 30.0, 8.0]}, ("ours", "floor"), unit="ms")
    assert (row.ours, row.against, row.peer, row.ratio, row.is_met) == (2.0, 8.0, "floor", 0.5, None)


def test_a_bound_must_not_be_exceeded() -> None:
    assert bounded("start", [1.0, 1.2, 1.1], 1.5, unit="s").is_met
    assert not bounded("start", [1.0, 1.6, 1.7], 1.5, unit="s").is_met


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        pytest.param({}, True, id="more than the goal where higher is better"),
        pytest.param({"goal": 0.6}, False, id="less than the goal where higher is better"),
        pytest.param({"better": "lower"}, False, id="more than the goal where lower is better"),
        pytest.param({"better": "lower", "goal": 0.4}, True, id="less than the goal where lower is better"),
        pytest.param({"goal": None}, None, id="no goal, no verdict"),
    ],
)
def test_verdict(changes: dict[str, float | str | None], expected: bool | None) -> None:
    assert msgspec.structs.replace(ROW, **changes).is_met is expected


def test_rounds_alternate_their_order() -> None:
    seen: list[str] = []

    def measure(name: str) -> float:
        seen.append(name)
        return float(len(seen))

    taken = alternate({"a": lambda: measure("a"), "b": lambda: measure("b")}, rounds=3)
    assert "".join(seen) == "abbaab"
    assert taken == {"a": [1.0, 4.0, 5.0], "b": [2.0, 3.0, 6.0]}


def test_a_table_shows_the_ratio_beside_its_goal() -> None:
    head, line = table([ROW]).splitlines()
    assert head.split() == ["ours", "against", "unit", "ratio", "goal"]
    assert line.split() == ["warm", "5,123", "15,000", "floor", "requests/s", "0.34", ">=", "0.3", "reached"]


def test_results_are_json(tmp_path: Path) -> None:
    written = msgspec.json.decode(write("warm_invoke", [ROW], tmp_path / "results").read_bytes())
    assert written["benchmark"] == "warm_invoke"
    assert msgspec.convert(written["rows"], list[Row]) == [ROW]


def test_what_wrk_prints_is_read() -> None:
    assert read(REPORT) == Load(per_second=3005.61, requests=6012)


@pytest.mark.parametrize(
    ("extra", "match"),
    [
        pytest.param("  Non-2xx or 3xx responses: 12\n", "12 of 6012 requests were refused", id="refused"),
        pytest.param("  Socket errors: connect 0, read 3, write 0, timeout 0\n", "read 3", id="lost"),
    ],
)
def test_load_that_is_not_all_answered_is_no_result(extra: str, match: str) -> None:
    with pytest.raises(LoadError, match=match):
        read(REPORT + extra)


def test_what_wrk_does_not_print_is_no_result() -> None:
    with pytest.raises(LoadError, match="unable to connect"):
        read("unable to connect to 127.0.0.1:1")


def test_a_request_is_whole() -> None:
    target = Target(port=80, path="/a", headers=(("x", "y"),), body='{"ü":1}')
    head, _, body = target.encoded().partition(b"\r\n\r\n")
    assert head.split(b"\r\n") == [
        b"POST /a HTTP/1.1",
        b"host: 127.0.0.1",
        b"x: y",
        b"content-type: application/json",
        b"content-length: 8",
    ]
    assert body == '{"ü":1}'.encode()


def test_a_request_without_body_has_no_type() -> None:
    target = Target(port=80, path="/a", method="GET", body="")
    assert target.encoded() == b"GET /a HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-length: 0\r\n\r\n"
    assert target.script().splitlines() == ['wrk.method = "GET"', 'wrk.body = ""']


def test_a_script_escapes_what_it_quotes() -> None:
    assert r'wrk.body = "{\"a\":\"\\n\"}"' in Target(port=80, path="/a", body=r'{"a":"\n"}').script()


def test_a_script_takes_paths_in_turn() -> None:
    script = Target(port=80, path="/a").script(["/a", "/b"])
    assert 'local paths = {"/a", "/b"}' in script
    assert "turn % #paths + 1" in script


def test_a_metric_is_summed_over_its_labels() -> None:
    assert metric(METRICS, "ioruntime_sandboxes", {}) == 6.0
    assert metric(METRICS, "ioruntime_sandboxes", {"state": "prewarm"}) == 3.0
    assert metric(METRICS, "ioruntime_sandboxes", {"state": "prewarm", "kind": "nodejs:24"}) == 2.0


def test_an_answer_tells_its_length() -> None:
    assert content_length(b"HTTP/1.1 200 OK\r\nContent-Type: a\r\nContent-Length: 12\r\nX: y") == 12


def test_an_answer_without_length_is_refused() -> None:
    with pytest.raises(LoadError, match="unknown length"):
        content_length(b"HTTP/1.1 200 OK\r\nX: y")


@pytest.mark.parametrize(
    ("number", "expected"),
    [
        pytest.param(0, (None, "rare"), id="the oldest have a name that no other has"),
        pytest.param(RARE - 1, (None, "rare"), id="so many of them"),
        pytest.param(RARE + 1, (None, "frequent"), id="most have the same name"),
        pytest.param(RARE * PACKAGED, ("tools", "packaged"), id="some are in a package"),
    ],
)
def test_records_that_fill_a_list(number: int, expected: tuple[str | None, str]) -> None:
    made = activation("guest", number, 1_000)
    assert ((made.package, made.name), made.start_ms) == (expected, 1_000 + number * STEP_MS)


@pytest.mark.anyio
async def test_a_filled_store_lists_what_was_added(tmp_path: Path) -> None:
    url, template = f"sqlite:///{tmp_path}/ioruntime.db", sample_action("template")
    namespace = template.path.namespace
    async with SqlStores.open(url) as stores:
        await stores.namespaces.create(msgspec.structs.replace(sample_namespace(), name=namespace))
        await stores.entities.write(template)
    filled = await fill(tmp_path, EntityPath(namespace, "template"), actions=3, activations=RARE + 8)
    async with SqlStores.open(url) as stores:
        assert await stores.entities.count(namespace, Collection.ACTIONS) == 1 + filled.actions == 4
        assert await stores.activations.count(ActivationFilter(namespace=namespace)) == filled.activations == RARE + 8
        assert await stores.activations.count(ActivationFilter(namespace=namespace, name="rare")) == RARE
        assert await stores.activations.count(ActivationFilter(namespace=namespace, name="tools/packaged")) == 2
        middle = await stores.activations.read(namespace, filled.middle)
    assert middle is not None
    assert middle.start_ms == filled.first_ms + filled.activations // 2 * STEP_MS

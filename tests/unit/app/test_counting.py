"""Our own counters write what the client library's would."""

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.parser import text_string_to_metric_families

from ioruntime.app.counting import Tally, Timings

BUCKETS = (0.1, 1.0, 5.0)
SECONDS = (0.05, 0.1, 0.2, 1.0, 4.0, 5.5, 60.0)


def samples(registry: CollectorRegistry) -> set[tuple[str, tuple[tuple[str, str], ...], float]]:
    text = generate_latest(registry).decode()
    return {
        (sample.name, tuple(sorted(sample.labels.items())), sample.value)
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if not sample.name.endswith("_created")
    }


def test_a_tally_is_a_counter() -> None:
    ours, theirs = CollectorRegistry(), CollectorRegistry()
    tally, counter = (
        Tally("a_thing", "Things.", ["kind", "status"]),
        Counter("a_thing", "Things.", ["kind", "status"], registry=theirs),
    )
    ours.register(tally)
    for labels in (("x", "1"), ("x", "2"), ("x", "1"), ('"\\', "\n")):
        tally.add(*labels)
        counter.labels(*labels).inc()
    assert samples(ours) == samples(theirs)
    assert generate_latest(ours).startswith(b"# HELP a_thing_total Things.\n# TYPE a_thing_total counter\n")


def test_timings_are_a_histogram() -> None:
    ours, theirs = CollectorRegistry(), CollectorRegistry()
    timings, histogram = (
        Timings("t_seconds", "T.", "kind", BUCKETS),
        Histogram("t_seconds", "T.", ["kind"], buckets=BUCKETS, registry=theirs),
    )
    ours.register(timings)
    for kind in ("node", "python"):
        for seconds in SECONDS:
            timings.add(kind, seconds)
            histogram.labels(kind).observe(seconds)
    assert samples(ours) == samples(theirs)

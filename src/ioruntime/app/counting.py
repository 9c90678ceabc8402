"""Counters and histograms of the hot path: a dictionary each, and no lock, for one thread counts.

The client library takes a lock, a clock and several calls for each count; two counters and a histogram for each request
were 4 % of its time. What it writes when somebody asks for the metrics is the same.
"""

from bisect import bisect_left
from collections.abc import Iterator, Sequence

from prometheus_client.core import CounterMetricFamily, HistogramMetricFamily
from prometheus_client.registry import Collector


class Tally(Collector):
    """A counter with labels; called on the event loop only."""

    def __init__(self, name: str, text: str, labels: Sequence[str]) -> None:
        self._name, self._text, self._labels = name, text, tuple(labels)
        self._counts: dict[tuple[str, ...], int] = {}

    def add(self, *labels: str) -> None:
        """Count one."""
        self._counts[labels] = self._counts.get(labels, 0) + 1

    def collect(self) -> Iterator[CounterMetricFamily]:
        family = CounterMetricFamily(self._name, self._text, labels=self._labels)
        for labels, count in list(self._counts.items()):
            family.add_metric(labels, count)
        yield family


class _Sample:
    __slots__ = ("counts", "total_s")

    def __init__(self, buckets: int) -> None:
        self.counts = [0] * buckets
        self.total_s = 0.0


class Timings(Collector):
    """A histogram of seconds with one label; called on the event loop only."""

    def __init__(self, name: str, text: str, label: str, buckets: Sequence[float]) -> None:
        """Count into these buckets, each with its upper bound included, and one for all above."""
        self._name, self._text, self._label = name, text, label
        self._bounds = tuple(buckets)
        self._samples: dict[str, _Sample] = {}

    def add(self, label: str, seconds: float) -> None:
        """Count one duration."""
        sample = self._samples.get(label)
        if sample is None:
            sample = self._samples[label] = _Sample(len(self._bounds) + 1)
        sample.counts[bisect_left(self._bounds, seconds)] += 1
        sample.total_s += seconds

    def collect(self) -> Iterator[HistogramMetricFamily]:
        family = HistogramMetricFamily(self._name, self._text, labels=[self._label])
        for label, sample in list(self._samples.items()):
            below, buckets = 0, list[tuple[str, float]]()
            for bound, count in zip((*map(str, self._bounds), "+Inf"), sample.counts, strict=True):
                below += count
                buckets.append((bound, below))
            family.add_metric([label], buckets, sample.total_s)
        yield family

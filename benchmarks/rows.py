"""Medians, percentiles and ratios of paired rounds (pure)."""

from collections.abc import Mapping, Sequence
from statistics import median
from typing import Literal, TypeAlias

import msgspec

Better: TypeAlias = Literal["higher", "lower"]


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """One claim: what was measured, beside what it is compared with."""

    what: str
    ours: float
    against: float
    unit: str
    peer: str
    """What `against` is the measure of."""
    ratio: float
    """Median of the ratios of the rounds, which is not the ratio of the medians."""
    goal: float | None = None
    better: Better = "higher"

    @property
    def is_met(self) -> bool | None:
        """Whether the ratio reaches the goal; None where there is no goal."""
        if self.goal is None:
            return None
        return self.ratio >= self.goal if self.better == "higher" else self.ratio <= self.goal


def percentile(values: Sequence[float], percent: float) -> float:
    """Return the value that `percent` of `values` do not exceed (nearest rank).

    Raises:
        ValueError: there are no values.
    """
    if not values:
        raise ValueError("there is no percentile of nothing")
    rank = max(1, -(-len(values) * percent // 100))
    return sorted(values)[int(rank) - 1]


def paired_ratio(ours: Sequence[float], against: Sequence[float]) -> float:
    """Return the median of the rounds' ratios; both were measured once in each round.

    Raises:
        ValueError: the rounds do not match.
    """
    return median(mine / theirs for mine, theirs in zip(ours, against, strict=True))


def compare(
    what: str,
    rounds: Mapping[str, Sequence[float]],
    names: tuple[str, str],
    *,
    unit: str,
    goal: float | None = None,
    better: Better = "higher",
) -> Row:
    """Make a row of two measures of the same rounds: ours, and what it is compared with."""
    mine, peer = names
    return Row(
        what=what,
        ours=median(rounds[mine]),
        against=median(rounds[peer]),
        unit=unit,
        peer=peer,
        ratio=paired_ratio(rounds[mine], rounds[peer]),
        goal=goal,
        better=better,
    )


def bounded(what: str, taken: Sequence[float], bound: float, *, unit: str) -> Row:
    """Make a row of a measure that must not exceed a bound."""
    return compare(what, {"ours": taken, "allowed": [bound] * len(taken)}, ("ours", "allowed"), unit=unit, goal=1, better="lower")

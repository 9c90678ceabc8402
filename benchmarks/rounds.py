"""Measures taken in turn, so that what disturbs the machine disturbs all of them."""

from collections.abc import Callable, Mapping

Measure = Callable[[], float]


def alternate(measures: Mapping[str, Measure], *, rounds: int) -> dict[str, list[float]]:
    """Take every measure once in each round; every other round backwards."""
    taken: dict[str, list[float]] = {name: [] for name in measures}
    for number in range(rounds):
        names = list(measures)
        for name in names if number % 2 == 0 else reversed(names):
            taken[name].append(measures[name]())
    return taken

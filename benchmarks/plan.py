"""How long to measure."""

import msgspec


class Plan(msgspec.Struct, frozen=True):
    """What a run may take."""

    rounds: int
    seconds: float
    """Of load, per measure and round."""
    samples: int
    """Of what is timed one by one, such as starts."""
    crowd: int
    """Actions that are made to compete."""
    invocations: int
    """That memory is watched for."""
    records: int
    """Activations that make a list long."""


FULL = Plan(rounds=5, seconds=2, samples=15, crowd=50, invocations=100_000, records=1_000_000)
QUICK = Plan(rounds=2, seconds=1, samples=4, crowd=10, invocations=10_000, records=20_000)

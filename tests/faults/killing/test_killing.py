"""A few rounds of what `python -m tests.faults.killing` does for hours."""

import os
import random
from pathlib import Path

import pytest
from tests.faults.killing.rounds import play

SEED = int(os.environ.get("IORUNTIME_TEST_SEED", "0")) or random.SystemRandom().randrange(1, 1 << 32)


@pytest.mark.timeout(300)
@pytest.mark.parametrize("seed", [SEED], ids=["a random moment each"])
def test_nothing_promised_is_lost_and_nothing_starts_twice(tmp_path: Path, seed: int) -> None:
    print(f"IORUNTIME_TEST_SEED={seed}")  # noqa: T201 - pytest shows it when the test fails
    verdict = play(tmp_path / "data", rounds=3, seed=seed, tell=print)
    assert verdict.is_good, str(verdict)
    assert verdict.accepted == verdict.recorded > 0

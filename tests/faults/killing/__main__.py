"""`python -m tests.faults.killing --rounds N --seed S`: kill, start again, and count what became of each promise."""

import argparse
import random
import sys
import tempfile
from pathlib import Path

from tests.faults.killing.rounds import play


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.faults.killing")
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1, 1 << 32))
    arguments = parser.parse_args()
    print(f"seed {arguments.seed}", flush=True)  # noqa: T201 - a script
    with tempfile.TemporaryDirectory(prefix="ioruntime-killing-") as folder:
        verdict = play(
            Path(folder, "data"),
            rounds=arguments.rounds,
            seed=arguments.seed,
            tell=lambda text: print(text, flush=True),  # noqa: T201
        )
    print(verdict)  # noqa: T201
    return 0 if verdict.is_good else 1


if __name__ == "__main__":
    sys.exit(main())

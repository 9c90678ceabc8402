"""A clock for tests."""


class HandClock:
    """A clock that moves only when a test moves it."""

    def __init__(self) -> None:
        self.s = 1000.0

    def now_ms(self) -> int:
        return int(self.s * 1000)

    def monotonic_s(self) -> float:
        return self.s

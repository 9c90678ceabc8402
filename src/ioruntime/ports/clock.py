"""Time, as the core sees it."""

from typing import Protocol


class Clock(Protocol):
    """Two clocks: one for dates, one for durations."""

    def now_ms(self) -> int:
        """Wall clock, epoch milliseconds; may jump."""
        ...

    def monotonic_s(self) -> float:
        """Never goes back; its zero means nothing."""
        ...

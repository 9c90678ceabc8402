"""Which heads are known, for how long, and how many."""

from ioruntime.app.connections.express import GOOD_S, KnownHeads
from ioruntime.faces.http.call import Respond


class Nothing:
    """A way to answer that nobody takes."""

    def begin(self, body: bytes, respond: Respond) -> bool:
        return False


def test_a_head_is_known_with_the_length_that_it_came_with_and_for_a_while() -> None:
    known, repeat = KnownHeads(), Nothing()
    known.keep(b"head", 10, repeat, 100.0)
    assert known.find(b"head", 10, 100.0 + GOOD_S) is repeat
    assert known.find(b"head", 11, 100.0) is None
    assert known.find(b"other", 10, 100.0) is None
    assert known.find(b"head", 10, 100.1 + GOOD_S) is None


def test_the_oldest_goes_when_there_are_too_many() -> None:
    known = KnownHeads(most=2)
    for head in (b"a", b"b", b"a", b"c"):
        known.keep(head, 1, Nothing(), 0.0)
    assert len(known) == 2
    assert known.find(b"b", 1, 0.0) is None
    assert known.find(b"a", 1, 0.0) is not None


def test_a_very_long_head_is_not_kept() -> None:
    known = KnownHeads()
    known.keep(b"x" * 100_000, 1, Nothing(), 0.0)
    assert len(known) == 0

"""Every NATS subject that we use, and why it is as it is; nothing else names one.

NATS carries and PostgreSQL remembers: there are no streams, no buckets and no consumers to set up, to size or to lose
(decision 0024). All subjects begin with `ioruntime.1`: another number is for messages that this version could not read.
"""

_PREFIX = "ioruntime.1"

BEAT = f"{_PREFIX}.beat"
"""Published by every process each `BEAT_S`: who it is, and how much it could take. Who misses some counts as gone."""
HELLO = f"{_PREFIX}.hello"
"""Published by a process that has come and wants to know the others: each answers with a beat."""
FORGET = f"{_PREFIX}.forget"
"""Asked of every process when an entity or a namespace changed; answered once its caches have forgotten it. The change is
answered to its client after that."""
FIND = f"{_PREFIX}.find"
"""Asked of every process for a record that is not in the store yet; only who has it answers."""
FLUSH = f"{_PREFIX}.flush"
"""Asked of every process before a list: answered once what it has recorded is in the store."""
HOLD = f"{_PREFIX}.hold"
"""Asked of every process: which of these activations does it still have? What nobody has is lost."""
DUE = f"{_PREFIX}.due"
"""Published when events were stored: the process that delivers them need not wait for its next look."""

BEAT_S = 0.5
GONE_S = 3.0
"""Six beats: a process that is busy for a second is not gone, and work of a dead one is known lost within 5 s."""


def run(invoker: str) -> str:
    """Requests for one invoker. Asked, not published: the answer says that it took the request, or that it takes no more."""
    return f"{_PREFIX}.run.{invoker}"


def answers(controller: str) -> str:
    """Outcomes for the controller that sent the request, published by the invoker."""
    return f"{_PREFIX}.answers.{controller}"


def drain(invoker: str) -> str:
    """Asked of one invoker by an operator: take nothing more, finish what runs."""
    return f"{_PREFIX}.drain.{invoker}"

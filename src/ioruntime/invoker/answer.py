"""From what a runtime answered to how an activation ended (pure; action proxy protocol, section 1.3).

Nothing that comes out of a sandbox is trusted: it is bounded, and only well-formed JSON gets into a record.
"""

import msgspec

from ioruntime.invoker.proxy import ProxyReply
from ioruntime.model.activation import Status, error_result
from ioruntime.ports.sandbox import Ending

_OBJECT = msgspec.json.Decoder(dict[str, msgspec.Raw])
_ARRAY = msgspec.json.Decoder(list[msgspec.Raw])
_OK = 200
_QUOTE_BYTES_MOST = 4096


class Answer(msgspec.Struct, frozen=True):
    """How an activation ended."""

    status: Status
    result: msgspec.Raw
    timed_out: bool = False
    spent: bool = False
    """True: the sandbox must not be used again."""


def judge_init(reply: ProxyReply) -> Answer | None:
    """Return why initialisation failed, None when it did not."""
    if reply.status == _OK:
        return None
    error = _error_of(reply.body)
    if error is None:
        return _developer_error(f"The action failed during initialization: {_quote(reply.body)}")
    return Answer(Status.DEVELOPER_ERROR, error, spent=True)


def judge_run(reply: ProxyReply, *, limit_bytes: int, truncation_bytes: int | None = None) -> Answer:
    """Return how a run ended that the runtime answered.

    Args:
        truncation_bytes: what is left of a result that is too large; None: as much as may be.
    """
    if reply.size_bytes > limit_bytes:
        return _too_large(reply, limit_bytes, limit_bytes if truncation_bytes is None else truncation_bytes)
    if reply.status != _OK:
        error = _error_of(reply.body)
        if error is None:
            return _developer_error(_not_json(reply.body))
        return Answer(Status.DEVELOPER_ERROR, error, spent=True)
    try:
        fields = _OBJECT.decode(reply.body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return _judge_other(reply.body)
    status = Status.APPLICATION_ERROR if "error" in fields else Status.SUCCESS
    return Answer(status, msgspec.Raw(reply.body))


def timed_out(timeout_ms: int, *, initialising: bool) -> Answer:
    """Return the end of an activation that took too long."""
    end = " during initialization." if initialising else "."
    text = f"The action exceeded its time limits of {timeout_ms} milliseconds{end}"
    return Answer(Status.DEVELOPER_ERROR, error_result(text), timed_out=True, spent=True)


def lost(ending: Ending, *, initialising: bool) -> Answer:
    """Return the end of an activation whose runtime went away without an answer."""
    if ending is Ending.OUT_OF_MEMORY:
        return _developer_error("The action exhausted its memory and was aborted.")
    if initialising:
        return _developer_error("The action did not initialize and exited unexpectedly.")
    return _developer_error("The action did not produce a valid response and exited unexpectedly.")


def _judge_other(body: bytes) -> Answer:
    try:
        _ARRAY.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return _developer_error(_not_json(body))
    return Answer(Status.SUCCESS, msgspec.Raw(body))


def _error_of(body: bytes) -> msgspec.Raw | None:
    try:
        fields = _OBJECT.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    return msgspec.Raw(msgspec.json.encode({"error": fields["error"]})) if "error" in fields else None


def _developer_error(text: str) -> Answer:
    return Answer(Status.DEVELOPER_ERROR, error_result(text), spent=True)


def _not_json(body: bytes) -> str:
    return f"The action did not produce a valid JSON or JSON Array response: {_quote(body)}"


def _quote(body: bytes) -> str:
    return body[:_QUOTE_BYTES_MOST].decode("utf-8", "replace")


def _too_large(reply: ProxyReply, limit_bytes: int, truncation_bytes: int) -> Answer:
    start = reply.body[:truncation_bytes].decode("utf-8", "ignore")
    text = (
        f"The action produced a response that exceeded the allowed length: {reply.size_bytes} > {limit_bytes} bytes."
        f" The truncated response was: {start}"
    )
    return Answer(Status.APPLICATION_ERROR, error_result(text), spent=reply.status != _OK)

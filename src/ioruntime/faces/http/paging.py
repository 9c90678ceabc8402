"""`limit`, `skip` and `count` of the five collections (OpenWhisk API contract, section 1.4)."""

import re

import msgspec

from ioruntime.faces.http.call import Call
from ioruntime.model.errors import MalformedQueryError
from ioruntime.model.limits import Limits

_INTEGER = re.compile(r"[+-]?[0-9]{1,9}", re.ASCII)
"""No more digits than every store can count with."""


class Page(msgspec.Struct, frozen=True):
    """Which part of a list is asked for, or only how long it is."""

    limit: int
    skip: int
    count: bool


def read_page(call: Call, collection: str, limits: Limits) -> Page:
    """Read the paging parameters.

    Raises:
        MalformedQueryError: one is out of its range, in OpenWhisk's words.
    """
    limit = _whole("limit", call, collection, default=limits.page_default)
    if not 0 <= limit <= limits.page_most:
        raise MalformedQueryError(
            "limit", f"The value '{limit}' is not in the range of 0 to {limits.page_most} for {collection}."
        )
    skip = _whole("skip", call, collection, default=0)
    if skip < 0:
        raise MalformedQueryError("skip", f"The value '{skip}' is not greater than or equal to 0 for {collection}.")
    return Page(limit or limits.page_most, skip, flag(call, "count"))


def flag(call: Call, name: str, *, default: bool = False) -> bool:
    """Read a parameter that is true or false.

    Raises:
        MalformedQueryError: it is neither.
    """
    value = call.query.get(name)
    match value.lower() if value else value:
        case None | "" | "undefined":
            return default
        case "true" | "1" | "yes" | "on":
            return True
        case "false" | "0" | "no" | "off":
            return False
        case _:
            raise MalformedQueryError(name, f"'{value}' is not a valid Boolean value")


def _whole(name: str, call: Call, collection: str, *, default: int) -> int:
    value = call.query.get(name)
    if not value or value == "undefined":
        return default
    if not _INTEGER.fullmatch(value):
        raise MalformedQueryError(name, f"The value '{value}' is not an integer for {collection}.")
    return int(value)

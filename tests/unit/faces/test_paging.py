"""`limit`, `skip`, `count` and other flags of a query."""

from typing import Any

import pytest

from ioruntime.faces.http.call import Call
from ioruntime.faces.http.paging import Page, flag, read_page
from ioruntime.model.errors import MalformedQueryError
from ioruntime.model.limits import Limits


async def no_body() -> dict[str, Any]:
    return {"type": "http.disconnect"}


def call(query: str) -> Call:
    return Call({"method": "GET", "query_string": query.encode(), "headers": []}, no_body, "id")


@pytest.mark.parametrize(
    ("query", "page"),
    [
        pytest.param("", Page(30, 0, count=False), id="defaults"),
        pytest.param("limit=0", Page(200, 0, count=False), id="0 is the most"),
        pytest.param("limit=200&skip=7", Page(200, 7, count=False), id="the most"),
        pytest.param("limit=5&limit=6", Page(6, 0, count=False), id="the last of a repeated one counts"),
        pytest.param("count=true", Page(30, 0, count=True), id="count"),
        pytest.param("limit=undefined&skip=undefined&count=undefined", Page(30, 0, count=False), id="undefined is nothing"),
        pytest.param("skip=999999999", Page(30, 999_999_999, count=False), id="far away"),
    ],
)
def test_page(query: str, page: Page) -> None:
    assert read_page(call(query), "actions", Limits()) == page


@pytest.mark.parametrize("query", ["limit=201", "limit=-1", "limit=1.5", "limit=²", "skip=-1", "skip=1000000000", "count=2"])
def test_no_page(query: str) -> None:
    with pytest.raises(MalformedQueryError):
        read_page(call(query), "actions", Limits())


@pytest.mark.parametrize(
    ("value", "expected"),
    [("true", True), ("TRUE", True), ("1", True), ("yes", True), ("on", True), ("false", False), ("0", False), ("no", False)],
)
def test_flags(value: str, expected: bool) -> None:
    assert flag(call(f"f={value}"), "f", default=not expected) is expected


@pytest.mark.parametrize("query", ["", "f=", "f=undefined"])
@pytest.mark.parametrize("default", [True, False])
def test_flags_that_say_nothing(query: str, default: bool) -> None:
    assert flag(call(query), "f", default=default) is default

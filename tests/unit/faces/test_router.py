"""Paths are split before they are unescaped, and lead to operations."""

import pytest

from ioruntime.faces.http.call import Call, Reply
from ioruntime.faces.http.operation import Method, Operation
from ioruntime.faces.http.router import Router, split_path
from ioruntime.model.errors import InvalidError


async def nothing(_: Call) -> Reply:
    """Answer nothing."""
    return Reply()


def operation(path: str, method: Method = "GET") -> Operation:
    return Operation(method=method, path=path, handler=nothing)


ROUTER = Router(
    [
        operation("/"),
        operation("/a[/]"),
        operation("/a/{name}"),
        operation("/a/{name}", "PUT"),
        operation("/a/{package}/"),
        operation("/a/{package}/{name}"),
        operation("/a/fixed/only"),
        operation("/{first}/end"),
    ]
)


@pytest.mark.parametrize(
    ("raw", "segments"),
    [
        pytest.param(b"/", [""], id="the root"),
        pytest.param(b"", [""], id="nothing"),
        pytest.param(b"/a/b", ["a", "b"], id="two"),
        pytest.param(b"/a/b/", ["a", "b", ""], id="a trailing slash is a segment"),
        pytest.param(b"//a//b", ["a", "", "b"], id="doubled slashes count as one in front only"),
        pytest.param(b"/ns%2Fpkg/x", ["ns/pkg", "x"], id="an escaped slash splits nothing"),
        pytest.param(b"/a%20b/%C3%A4", ["a b", "ä"], id="unescaped after"),
        pytest.param(b"/a?b", ["a"], id="a query some servers leave"),
        pytest.param(b"/a%3Fb", ["a?b"], id="an escaped question mark"),
        pytest.param(b"/a+b/%zz", ["a+b", "%zz"], id="plus and stray percent stay"),
    ],
)
def test_split(raw: bytes, segments: list[str]) -> None:
    assert split_path(raw) == segments


@pytest.mark.parametrize("raw", [b"/%ff", b"/\xff", b"/a%00b"])
def test_what_is_no_path(raw: bytes) -> None:
    with pytest.raises(InvalidError):
        split_path(raw)


@pytest.mark.parametrize(
    ("path", "template", "params"),
    [
        pytest.param("/", "/", {}, id="root"),
        pytest.param("/a", "/a[/]", {}, id="optional slash absent"),
        pytest.param("/a/", "/a[/]", {}, id="optional slash there"),
        pytest.param("/a/x", "/a/{name}", {"name": "x"}, id="a name"),
        pytest.param("/a/x/", "/a/{package}/", {"package": "x"}, id="a slash with a meaning"),
        pytest.param("/a/x/y", "/a/{package}/{name}", {"package": "x", "name": "y"}, id="two names"),
        pytest.param("/a/fixed/only", "/a/fixed/only", {}, id="literals win"),
        pytest.param("/a/fixed/x", "/a/{package}/{name}", {"package": "fixed", "name": "x"}, id="back from a literal"),
        pytest.param("/a/end", "/a/{name}", {"name": "end"}, id="the first literal decides"),
        pytest.param("/b/end", "/{first}/end", {"first": "b"}, id="a name in front"),
    ],
)
def test_match(path: str, template: str, params: dict[str, str]) -> None:
    match = ROUTER.match(split_path(path.encode()))
    assert match is not None
    assert (match.methods["GET"].path, match.params_of("GET")) == (template, params)


@pytest.mark.parametrize("path", ["/b", "/a//", "/a//x", "/a/x/y/z", "/a/x/y/", "/b/end/"])
def test_no_match(path: str) -> None:
    assert ROUTER.match(split_path(path.encode())) is None


def test_methods_of_a_path_are_together() -> None:
    match = ROUTER.match(["a", "x"])
    assert match is not None
    assert set(match.methods) == {"GET", "PUT"}


def test_each_method_has_its_own_names() -> None:
    match = Router([operation("/a/{x}"), operation("/a/{y}", "PUT")]).match(["a", "1"])
    assert match is not None
    assert match.params_of("GET") == {"x": "1"}
    assert match.params_of("PUT") == {"y": "1"}
    assert match.params_of("PATCH") == {"x": "1"}


def test_an_operation_that_is_there_twice() -> None:
    with pytest.raises(ValueError, match=r"GET /a/\{y\} is there twice"):
        Router([operation("/a/{x}"), operation("/a/{y}")])

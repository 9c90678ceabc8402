"""The APIs described for people: `/docs`, made of the same rows that answer the requests."""

from collections.abc import Sequence
from pathlib import Path

from ioruntime.faces.docs.page import Described, page
from ioruntime.faces.http.application import Face
from ioruntime.faces.http.call import Call, Reply
from ioruntime.faces.http.openapi import Section, document
from ioruntime.faces.http.operation import Operation

DOCS = "/docs"
STYLE = "/docs/style.css"

_HEADERS = (
    (
        b"content-security-policy",
        b"default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    ),
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
    (b"cache-control", b"public, max-age=300"),
)


def face(faces: Sequence[Face], version: str) -> Face:
    """Build the rows of the page about these faces; it never changes while the server runs, so it is written once."""
    html = page([_described(each, version) for each in faces if each.title], version).encode()
    style = (Path(__file__).parent / "style.css").read_bytes()

    async def show(_: Call) -> Reply:
        """Show every operation of every API, for people."""
        return Reply(200, html, b"text/html; charset=utf-8")

    async def show_style(_: Call) -> Reply:
        """Return how the page looks."""
        return Reply(200, style, b"text/css; charset=utf-8")

    return Face(
        prefixes=(DOCS,),
        operations=(
            Operation(method="GET", path=f"{DOCS}[/]", handler=show, security="none"),
            Operation(method="GET", path="/api/v1/docs[/]", handler=show, security="none", hidden=True),
            Operation(method="GET", path=STYLE, handler=show_style, security="none"),
        ),
        headers=_HEADERS,
    )


def _described(face: Face, version: str) -> Described:
    sections = [Section(face.operations, error=face.error)]
    return Described(document(title=face.title, version=version, sections=sections), face.source)

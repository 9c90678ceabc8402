"""From a template and values to an answer whose policy allows nothing but our own files."""

import secrets
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import quote

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from ioruntime.faces.console import assets, words
from ioruntime.faces.console.pages import timing
from ioruntime.faces.console.session import Session, Sessions, theme_of
from ioruntime.faces.console.visit import Visit
from ioruntime.faces.http.call import Call, Reply

HTML = b"text/html; charset=utf-8"
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'nonce-{nonce}'; img-src 'self'; font-src 'self'; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
SAFETY = (
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"same-origin"),
    (b"cross-origin-opener-policy", b"same-origin"),
)
_PRIVATE = (b"cache-control", b"no-store")
_FILTERS: dict[str, Callable[..., Any]] = {**words.FILTERS, "cold": timing.is_cold, "waited": timing.waited_ms}
PLACES: tuple[tuple[str, str], ...] = (
    ("activations", "Activations"),
    ("packages", "Packages"),
    ("triggers", "Triggers"),
    ("rules", "Rules"),
    ("events", "Events"),
    ("charts", "Charts"),
    ("limits", "Limits and keys"),
)
"""Path and label of each place of a namespace beside overview and actions."""


class Renderer:
    """Writes pages."""

    def __init__(self, sessions: Sessions, version: str) -> None:
        self._sessions = sessions
        self._environment = Environment(
            loader=FileSystemLoader(Path(__file__).parent / "templates"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            auto_reload=False,
        )
        self._environment.filters.update(_FILTERS)
        known: dict[str, Any] = {"asset": assets.url, "version": version, "segment": _segment}
        self._environment.globals |= known

    def page(self, visit: Visit, template: str, *, status: int = 200, **values: Any) -> Reply:
        """Write a page of a namespace."""
        base = f"/console/ns/{_segment(visit.namespace)}"
        shown: dict[str, Any] = {"visit": visit, "namespace": visit.namespace, "base": base, "message": None, "places": PLACES}
        return self.bare(visit.call, visit.session, template, status=status, **(shown | values))

    def bare(self, call: Call, session: Session, template: str, *, status: int = 200, **values: Any) -> Reply:
        """Write a page of no namespace."""
        nonce = secrets.token_urlsafe(16)
        html = self._environment.get_template(template).render(
            values | {"nonce": nonce, "csrf": self._sessions.form_token(session), "theme": theme_of(call)}
        )
        policy = _POLICY.format(nonce=nonce).encode()
        return Reply(status, html.encode(), HTML, ((b"content-security-policy", policy), _PRIVATE))

    def part(self, template: str, **values: Any) -> str:
        """Write a part of a page, for a script to put into one."""
        return self._environment.get_template(template).render(values)


def see_other(target: str, *headers: tuple[bytes, bytes]) -> Reply:
    """Send the browser to another page of the console."""
    return Reply.empty(303, ((b"location", target.encode()), _PRIVATE, *headers))


def _segment(text: str) -> str:
    return quote(text, safe="")

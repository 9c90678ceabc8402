"""Signing in and out, and light or dark."""

from contextlib import suppress
from urllib.parse import quote

from ioruntime.faces.console.form import Form
from ioruntime.faces.console.render import Renderer, see_other
from ioruntime.faces.console.services import ConsoleServices
from ioruntime.faces.console.session import Session, ended_cookie, new_session, theme_cookie
from ioruntime.faces.console.visit import Door
from ioruntime.faces.http.call import Call, Reply
from ioruntime.model.errors import ForbiddenError, InvalidError, UnauthenticatedError

SIGN_IN = "/console/signin"
_NOTHING = "Enter a key or a token."
_UNREACHED = "This token reaches no namespace of this platform."


class SigningPages:
    """What there is before a namespace."""

    def __init__(self, services: ConsoleServices, door: Door, renderer: Renderer) -> None:
        self._sessions = services.sessions
        self._door = door
        self._renderer = renderer

    async def enter(self, call: Call) -> Reply:
        """Lead to the first namespace that the session reaches, else to the sign-in."""
        session = self._sessions.read(call)
        with suppress(UnauthenticatedError, ForbiddenError):
            if session.is_signed_in and (reachable := await self._door.reachable(session)):
                return see_other(_home(reachable[0]))
        return see_other(SIGN_IN)

    async def show_sign_in(self, call: Call) -> Reply:
        """Ask for a key or a token."""
        return self._ask(call, self._sessions.read(call), None)

    async def sign_in(self, call: Call) -> Reply:
        """Begin a session with a key or a token."""
        before = self._sessions.read(call)
        form = await self._door.checked_form(call, before)
        try:
            session = _session_of(form)
            reachable = await self._door.reachable(session)
            cookie = self._sessions.cookie(call, session)
        except (UnauthenticatedError, ForbiddenError, InvalidError) as error:
            return self._ask(call, before, str(error), status=401)
        if not reachable:
            return self._ask(call, before, _UNREACHED, status=401)
        return see_other(_target(form, reachable[0]), cookie)

    async def sign_out(self, call: Call) -> Reply:
        """End the session."""
        await self._door.checked_form(call, self._sessions.read(call))
        return see_other(SIGN_IN, ended_cookie(call))

    async def choose_theme(self, call: Call) -> Reply:
        """Keep the reader's choice of light or dark."""
        form = await self._door.checked_form(call, self._sessions.read(call))
        theme = form.text("theme")
        if theme not in {"light", "dark", ""}:
            raise InvalidError("A theme is light or dark.")
        return see_other(_local(form.text("back")) or "/console", theme_cookie(call, theme))

    async def list_namespaces(self, call: Call) -> Reply:
        """List the namespaces that the session reaches."""
        session = self._sessions.read(call)
        if not session.is_signed_in:
            raise UnauthenticatedError
        reachable = [(name, _home(name)) for name in await self._door.reachable(session)]
        return self._renderer.bare(call, session, "namespaces.html", reachable=reachable)

    def _ask(self, call: Call, session: Session, refusal: str | None, status: int = 200) -> Reply:
        back = _local(call.query.get("back", ""))
        reply = self._renderer.bare(call, session, "signin.html", status=status, refusal=refusal, back=back)
        return Reply(reply.status, reply.body, reply.content_type, (*reply.headers, self._sessions.cookie(call, session)))


def _session_of(form: Form) -> Session:
    credential = form.text("credential").strip().removeprefix("Bearer ").strip()
    if not credential:
        raise InvalidError(_NOTHING)
    # A JSON Web Token has no colon, and a key always has one.
    return new_session(auth=credential) if ":" in credential else new_session(token=credential)


def _target(form: Form, namespace: str) -> str:
    return _local(form.text("back")) or _home(namespace)


def _home(namespace: str) -> str:
    return f"/console/ns/{quote(namespace, safe='')}"


def _local(target: str) -> str:
    """Return a page of the console; nothing for whatever leads elsewhere."""
    return target if target.startswith("/console/") and "\\" not in target and target.isprintable() and target.isascii() else ""

"""One request of somebody who is signed in: who it is, in which namespace, and that forms are their own."""

from collections.abc import Sequence

import msgspec

from ioruntime.core.authenticate import ADMIN_SCOPE
from ioruntime.faces.console.form import Form, read_form
from ioruntime.faces.console.services import ConsoleServices
from ioruntime.faces.console.session import Session
from ioruntime.faces.http.call import Call
from ioruntime.model.errors import ForbiddenError, UnauthenticatedError
from ioruntime.model.identity import AuthKey, Identity
from ioruntime.ports.tokens import Claims

CONTROL_HEADER = b"x-csrf-token"


class Visit(msgspec.Struct, frozen=True):
    """Who asks for a page of a namespace."""

    call: Call
    session: Session
    identity: Identity
    form: Form = Form({})
    is_operator: bool = False
    """The token administers every namespace."""

    @property
    def namespace(self) -> str:
        return self.identity.name

    @property
    def is_partial(self) -> bool:
        """True when a script asks for a part of the page."""
        return self.call.header(b"hx-request") == "true" and self.call.header(b"hx-boosted") != "true"


class Door:
    """Lets people in, by key or by token."""

    def __init__(self, services: ConsoleServices) -> None:
        self._sessions = services.sessions
        self._authenticator = services.authenticator
        self._namespaces = services.namespaces

    async def visit(self, call: Call) -> Visit:
        """Return who asks for a page of the path's namespace.

        Raises:
            UnauthenticatedError: nobody who is signed in.
            ForbiddenError: somebody whose credentials do not reach the namespace.
        """
        return await self._visit(call, self._sessions.read(call), Form({}))

    async def submit(self, call: Call) -> Visit:
        """Return who submits a form, and what is in it.

        Raises:
            ForgedFormError: it does not come from a page of the session.
            InvalidError, UnauthenticatedError, ForbiddenError: as `visit` and `read_form`.
        """
        session = self._sessions.read(call)
        form = await self.checked_form(call, session)
        return await self._visit(call, session, form)

    async def checked_form(self, call: Call, session: Session) -> Form:
        """Read a form of this session, signed in or not.

        Raises:
            ForgedFormError: it is of another.
            InvalidError, TooLargeError: it cannot be read.
        """
        form = await read_form(call)
        self._sessions.check_form(session, form.text("csrf") or call.header(CONTROL_HEADER) or "")
        return form

    async def reachable(self, session: Session) -> Sequence[str]:
        """Name the namespaces that a session's credentials reach, in order.

        Raises:
            UnauthenticatedError: the credentials are worth nothing, or not any more.
        """
        if session.auth:
            return [(await self._authenticator.basic(AuthKey.parse(session.auth))).name]
        claims = await self.claims(session)
        return [each.name for each in await self._namespaces.list() if claims.reaches(each.owner.org_id, each.owner.int_id)]

    async def claims(self, session: Session) -> Claims:
        """Return what the session's token says.

        Raises:
            UnauthenticatedError: there is none, or it is not valid.
        """
        if not session.token:
            raise UnauthenticatedError
        return await self._authenticator.bearer(session.token)

    async def _visit(self, call: Call, session: Session, form: Form) -> Visit:
        name = call.params["ns"]
        if session.auth:
            identity = await self._authenticator.basic(AuthKey.parse(session.auth))
            if identity.name != name:
                raise ForbiddenError.to(name)
            return Visit(call, session, identity, form)
        claims = await self.claims(session)
        identity = await self._authenticator.acting_in(claims, name)
        return Visit(call, session, identity, form, is_operator=is_operator(claims))


def is_operator(claims: Claims) -> bool:
    """Tell whether a token administers every namespace."""
    return ADMIN_SCOPE in claims.scopes and claims.reaches("*", "*")

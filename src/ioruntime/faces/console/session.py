"""Who is using the console: a cookie that only this platform can write or read, and tokens against forged forms.

The cookie holds the credentials themselves, encrypted and signed, and they are checked again at every request: a key that
is rotated or a token that expires ends the session at once, and there is no list of sessions to keep.
"""

import base64
import hashlib
import hmac
import secrets
from collections.abc import Mapping
from http.cookies import CookieError, SimpleCookie

import msgspec
from cryptography.fernet import Fernet, InvalidToken

from ioruntime.faces.http.call import Call
from ioruntime.model.errors import ForbiddenError
from ioruntime.ports.clock import Clock

SESSION_COOKIE = "ioruntime_session"
THEME_COOKIE = "ioruntime_theme"
PATH = "/console"
KEY_BYTES = 32
COOKIE_BYTES_MOST = 4000
_THEME_S = 400 * 24 * 3600


class Session(msgspec.Struct, frozen=True):
    """One browser; before it signs in, without credentials."""

    id: str
    auth: str = ""
    """`uuid:key`."""
    token: str = ""
    """A bearer token."""

    @property
    def is_signed_in(self) -> bool:
        return bool(self.auth or self.token)


class ForgedFormError(ForbiddenError):
    """A form that was not sent from a page of this session."""

    def __init__(self) -> None:
        super().__init__("This form is not of your session any more. Go back, reload the page and send it again.")


class CredentialTooLongError(ForbiddenError):
    """Browsers keep no cookie that large."""

    def __init__(self) -> None:
        super().__init__("This token is too long for a browser's cookie. Sign in with a key, or with a token of fewer claims.")


class Sessions:
    """Reads and writes the cookies."""

    def __init__(self, key: bytes, clock: Clock, *, lasts_s: int) -> None:
        self._fernet = Fernet(base64.urlsafe_b64encode(key))
        self._form_key = hashlib.sha256(b"forms" + key).digest()
        self._clock = clock
        self._lasts_s = lasts_s

    def read(self, call: Call) -> Session:
        """Return the session that the request belongs to; a new one when it brings none that is valid."""
        sealed = _cookies(call).get(SESSION_COOKIE, "")
        try:
            content = self._fernet.decrypt_at_time(sealed.encode(), self._lasts_s, self._clock.now_ms() // 1000)
            return msgspec.json.decode(content, type=Session)
        except (InvalidToken, msgspec.DecodeError, UnicodeEncodeError):
            return new_session()

    def cookie(self, call: Call, session: Session) -> tuple[bytes, bytes]:
        """Return the header that makes the browser keep a session.

        Raises:
            CredentialTooLongError: it would not.
        """
        sealed = self._fernet.encrypt_at_time(msgspec.json.encode(session), self._clock.now_ms() // 1000).decode()
        if len(sealed) > COOKIE_BYTES_MOST:
            raise CredentialTooLongError
        return _set_cookie(call, SESSION_COOKIE, sealed, self._lasts_s)

    def form_token(self, session: Session) -> str:
        """Return what proves that a form comes from a page of this session."""
        return hmac.new(self._form_key, session.id.encode(), hashlib.sha256).hexdigest()

    def check_form(self, session: Session, token: str) -> None:
        """Let pass a form that brings its session's token.

        Raises:
            ForgedFormError: it does not.
        """
        if not hmac.compare_digest(self.form_token(session).encode(), token.encode()):
            raise ForgedFormError


def new_session(*, auth: str = "", token: str = "") -> Session:
    return Session(secrets.token_urlsafe(18), auth, token)


def ended_cookie(call: Call) -> tuple[bytes, bytes]:
    """Return the header that makes the browser forget its session."""
    return _set_cookie(call, SESSION_COOKIE, "", 0)


def theme_of(call: Call) -> str:
    """Return `light` or `dark` when the reader chose one, else nothing: the system's."""
    theme = _cookies(call).get(THEME_COOKIE, "")
    return theme if theme in {"light", "dark"} else ""


def theme_cookie(call: Call, theme: str) -> tuple[bytes, bytes]:
    """Return the header that keeps the reader's choice."""
    return _set_cookie(call, THEME_COOKIE, theme, _THEME_S)


def _cookies(call: Call) -> Mapping[str, str]:
    try:
        return {name: morsel.value for name, morsel in SimpleCookie(call.header(b"cookie") or "").items()}
    except CookieError:
        return {}


def _set_cookie(call: Call, name: str, value: str, lasts_s: int) -> tuple[bytes, bytes]:
    secure = "; Secure" if call.scope.get("scheme") == "https" else ""
    text = f"{name}={value}; Path={PATH}; Max-Age={lasts_s}; HttpOnly; SameSite=Lax{secure}"
    return (b"set-cookie", text.encode())

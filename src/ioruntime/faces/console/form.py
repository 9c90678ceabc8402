"""What a browser sends when a form is submitted."""

from collections.abc import Sequence
from urllib.parse import parse_qs

import msgspec

from ioruntime.faces.http.call import Call
from ioruntime.model.errors import InvalidError, UnsupportedMediaTypeError

TYPE = "application/x-www-form-urlencoded"
FIELDS_MOST = 5_000


class Form(msgspec.Struct, frozen=True):
    """The fields of a form; text areas have plain line ends."""

    values: dict[str, list[str]]

    def text(self, name: str, default: str = "") -> str:
        """Return the field's value; the last when it is there more than once."""
        found = self.values.get(name)
        return found[-1] if found else default

    def all(self, name: str) -> Sequence[str]:
        """Return the values of a field that may be there more than once, in order."""
        return self.values.get(name, ())

    def whole(self, name: str, label: str) -> int:
        """Return a whole number.

        Raises:
            InvalidError: it is none; the message names the label.
        """
        text = self.text(name).strip()
        if not text.isdecimal() or len(text) > 9:
            raise InvalidError(f"{label} must be a whole number, not {text!r}.")
        return int(text)


async def read_form(call: Call) -> Form:
    """Read the request's body.

    Raises:
        UnsupportedMediaTypeError: it is no form.
        InvalidError: it cannot be read.
        TooLargeError, ClientGoneError: as `Call.body`.
    """
    if (call.header(b"content-type") or "").partition(";")[0].strip().lower() != TYPE:
        raise UnsupportedMediaTypeError(TYPE)
    body = await call.body(field="The form")
    try:
        values = parse_qs(body.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=FIELDS_MOST)
    except ValueError as error:
        raise InvalidError("The form is not written as a browser writes it.") from error
    return Form({name: [_plain(text) for text in texts] for name, texts in values.items()})


def _plain(text: str) -> str:
    return text.replace("\r\n", "\n")

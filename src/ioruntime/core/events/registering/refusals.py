"""What registrations and providers are refused for alike: texts that are too long, names that are taken."""

from ioruntime.model.errors import ConflictError, InvalidError


class TakenError(ConflictError):
    """Another one has the name or id already."""

    def __init__(self, text: str, conflicting_id: str) -> None:
        super().__init__(text)
        self.conflicting_id = conflicting_id


def check_length(field: str, text: str, least: int, most: int) -> None:
    """Let pass a text of `least` to `most` characters.

    Raises:
        InvalidError: it is shorter or longer; the text names the field.
    """
    if not least <= len(text) <= most:
        raise InvalidError(f"The field '{field}' must have {least} to {most} characters, not {len(text)}.")

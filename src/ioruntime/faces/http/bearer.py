"""Refusals of bearer tokens, in the words that Adobe's gateway has for them on every path."""

from ioruntime.model import errors


class TokenMissingError(errors.ForbiddenError):
    """There is no bearer token."""

    def __init__(self) -> None:
        super().__init__("Oauth token is missing.")


class TokenInvalidError(errors.InvalidCredentialsError):
    """The token is worth nothing, or not any more."""

    def __init__(self) -> None:
        super().__init__("Oauth token is not valid")

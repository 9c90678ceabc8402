"""Whose server and namespace a command speaks to: the nearest source that knows, for host and key each.

From near to far: what the command line says, IORUNTIME_* and AIO_RUNTIME_* variables, `.env` of the folder, the credentials
of the folder's own server, and last `~/.wskprops`, which is about a server that the whole machine uses.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path

import msgspec

from ioruntime.model.errors import InvalidError, UnauthenticatedError

DEFAULT_HOST = "http://127.0.0.1:3233"
_LOCAL = ("localhost", "127.", "[::1]", "0.0.0.0")  # noqa: S104 - how a host is written, nothing listens


class Credentials(msgspec.Struct, frozen=True):
    """Where the API is, and who asks."""

    url: str
    """`http://HOST:PORT`, without a path."""
    auth: str
    """`uuid:key`."""
    source: str
    """Where the key comes from, in words for an error."""


class Found(msgspec.Struct, frozen=True):
    """What one source says."""

    source: str
    apihost: str | None = None
    auth: str | None = None


def find(flags: Found, environ: Mapping[str, str], folder: Path, data_dir: Path | None = None) -> Credentials:
    """Return the credentials to use.

    Args:
        folder: whose `.env` and `.ioruntime` count.
        data_dir: where a server keeps its things, instead of `.ioruntime` in `folder`.

    Raises:
        InvalidError: a file of credentials cannot be read, or a key is none.
        UnauthenticatedError: nobody knows a key.
    """
    host: str | None = None
    key: Found | None = None
    for each in _sources(flags, environ, folder, data_dir):
        host, key = host or each.apihost, key or (each if each.auth else None)
        if host and key:
            break
    if key is not None:
        return Credentials(_url(host or DEFAULT_HOST), _checked(key), key.source)
    raise UnauthenticatedError(
        "There is no key: run the command where `ioruntime serve` runs (it writes .ioruntime/credentials.json), "
        "or give --auth or IORUNTIME_AUTH."
    )


def properties(file: Path) -> dict[str, str]:
    """Read lines `NAME=value`; quotes around a value, comments and what is no such line are left out.

    Raises:
        InvalidError: it is no text.
    """
    try:
        lines = file.read_text().splitlines()
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidError(f"{file} cannot be read: {error}") from error
    pairs = (line.strip().removeprefix("export ").partition("=") for line in lines if not line.lstrip().startswith("#"))
    return {name.strip(): value.strip().strip("'\"") for name, equals, value in pairs if equals}


def _sources(flags: Found, environ: Mapping[str, str], folder: Path, data_dir: Path | None) -> Iterator[Found]:
    yield flags
    if data_dir is not None:
        yield _of_server(data_dir)
    yield _of_variables(environ, "IORUNTIME_", "the environment")
    yield _of_variables(environ, "AIO_RUNTIME_", "the environment")
    yield _of_variables(properties(folder / ".env"), "AIO_RUNTIME_", str(folder / ".env"))
    yield _of_server(Path(environ.get("IORUNTIME_DATA_DIR") or folder / ".ioruntime"))
    home = environ.get("HOME")
    named = environ.get("WSK_CONFIG_FILE") or (f"{home}/.wskprops" if home else None)
    if named is not None:
        yield _of_variables(properties(Path(named)), "", named)


def _of_variables(values: Mapping[str, str], prefix: str, source: str) -> Found:
    upper = {name.upper(): value for name, value in values.items() if value}
    host, auth = f"{prefix}APIHOST", f"{prefix}AUTH"
    return Found(f"{prefix}AUTH of {source}" if source == "the environment" else source, upper.get(host), upper.get(auth))


def _of_server(data_dir: Path) -> Found:
    file = data_dir / "credentials.json"
    try:
        content = msgspec.json.decode(file.read_bytes(), type=dict[str, str])
    except FileNotFoundError:
        return Found(str(file))
    except (OSError, msgspec.MsgspecError) as error:
        raise InvalidError(f"{file} cannot be read: {error}") from error
    return Found(str(file), content.get("apihost"), content.get("auth"))


def _url(host: str) -> str:
    """Put the scheme before a bare host: https, but for this machine."""
    bare = host.rstrip("/")
    if "://" in bare:
        return bare
    return f"{'http' if bare.startswith(_LOCAL) else 'https'}://{bare}"


def _checked(found: Found) -> str:
    auth = found.auth or ""
    name, colon, key = auth.partition(":")
    if not (name and colon and key and auth.isascii()):
        raise InvalidError(f"The key of {found.source} is none: a key is written uuid:key.")
    return auth

"""What an operator may set: a TOML file, overridden by IORUNTIME_* variables, overridden by the command line.

Read once; the parts are passed on, never the whole. Every value is checked where it is read, so that an error names the
key as the operator wrote it.
"""

import os
import re
import sys
import tomllib
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Any, Literal, TypeAlias

import msgspec
from msgspec import Meta, inspect

from ioruntime.model.errors import InvalidError
from ioruntime.model.identity import AuthKey
from ioruntime.model.limits import PROFILES, Bound, Limits, ProfileName
from ioruntime.ports.sandbox import Network

PREFIX = "IORUNTIME_"
CONFIG_VARIABLE = "IORUNTIME_CONFIG"
_OF_CLIENTS = {"IORUNTIME_APIHOST", "IORUNTIME_AUTH"}
"""Variables of commands that speak to a server; they are no settings."""
_HOST = re.compile(r"[a-z0-9]([a-z0-9.-]*[a-z0-9])?(:[0-9]{1,5})?", re.ASCII)

Count: TypeAlias = Annotated[int, Meta(ge=0)]
Positive: TypeAlias = Annotated[int, Meta(ge=1)]
Duration: TypeAlias = Annotated[float, Meta(ge=0)]


class SettingsError(InvalidError):
    """A setting that does not exist, or a value that it cannot have; the message names the key."""


class StoreSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    url: str | None = None
    """`sqlite:///FILE` or `postgresql://...`; unset: SQLite in the data directory."""
    check_s: Duration = 10.0
    """Seconds that a start may spend on looking for damage in an SQLite file; 0 does not look."""
    connections: Positive = 4
    """Of this process to the database that read at the same time; in PostgreSQL as many that write."""
    blobs_dir: Path | None = None
    """Where action code lies, shared by all machines; unset: in PostgreSQL, or with SQLite in the data directory."""


class BusSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    url: str = "local"
    """`local`, or `nats://[USER:PASSWORD@]HOST:PORT` or `tls://...`, several with commas between them."""


class InvokerSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    memory_mb: Positive | None = None
    """Of all sandboxes together, megabytes; unset: half of what this machine, or our control group, has."""
    driver: Literal["bubblewrap", "docker", "process"] = "bubblewrap"
    network: Network = "internet"
    """Of sandboxes, unless a namespace has another: `none`, `internet`, or `host`, which hands them this machine's."""
    prewarm: Count = 2
    """Sandboxes kept ready for each of `prewarm_kinds`."""
    prewarm_kinds: tuple[str, ...] = ("nodejs:default", "python:default")
    idle_s: Duration = 600.0
    """Seconds that a sandbox waits for its next activation."""
    pause_grace_s: Duration = 10.0
    """Seconds after an activation before an idle sandbox is paused."""
    runtimes_dir: Path | None = None
    """Of installed interpreters; also read from IORUNTIME_RUNTIMES_DIR."""
    first_uid: Positive = 200_000
    """The first user id of sandboxes, when the server runs as root; invokers on one machine need ranges of their own."""
    last_uid: Positive = 265_535
    tmp_mb: Positive = 256
    """Size of `/tmp` in a sandbox, megabytes."""
    queue_most: Positive = 10_000
    """Activations that wait for a sandbox."""

    def total_memory_mb(self) -> int:
        """Memory of all sandboxes together, megabytes."""
        return self.memory_mb or max(1, machine_memory_mb() // 2)


class DockerSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The engine and the images of `invoker.driver = "docker"`."""

    socket: Path = Path("/var/run/docker.sock")
    runtimes: tuple[str, ...] = ()
    """`kind=image` each, such as `nodejs:20=openwhisk/action-nodejs-v20`."""
    blackbox_images: tuple[str, ...] = ("*",)
    """Patterns of the images that actions of the kind `blackbox` may name; none: there are no such actions."""
    network: str | None = None
    """A network of the engine; unset: none, or the engine's `bridge` where `invoker.network` is `host`."""
    pull: Literal["never", "missing", "always"] = "missing"
    read_only: bool = False
    """True: nothing of an image can be changed, only `/tmp`."""

    def images(self) -> dict[str, str]:
        """Return the image of each kind.

        Raises:
            SettingsError: an entry is not `kind=image`.
        """
        found: dict[str, str] = {}
        for entry in self.runtimes:
            kind, _, image = entry.partition("=")
            if not (kind and image):
                raise SettingsError(f"docker.runtimes must have entries such as nodejs:20=some/image, not {entry!r}.")
            found[kind] = image
        return found


class LimitsSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A profile, and single limits beside it; `_ms` are milliseconds, `_mb` megabytes."""

    profile: ProfileName = "openwhisk"
    invocations_per_minute: Count | None = None
    concurrent_invocations: Count | None = None
    fires_per_minute: Count | None = None
    min_timeout_ms: Positive | None = None
    max_timeout_ms: Positive | None = None
    default_timeout_ms: Positive | None = None
    min_memory_mb: Positive | None = None
    max_memory_mb: Positive | None = None
    default_memory_mb: Positive | None = None
    min_logs_mb: Count | None = None
    max_logs_mb: Count | None = None
    default_logs_mb: Count | None = None
    max_concurrency: Positive | None = None
    default_concurrency: Positive | None = None
    max_code_bytes: Count | None = None
    max_parameters_bytes: Count | None = None
    max_payload_bytes: Count | None = None
    max_result_bytes: Count | None = None
    max_page: Positive | None = None
    default_page: Positive | None = None
    sequence_length: Positive | None = None
    execute_only_packages: bool | None = None

    def effective(self) -> Limits:
        """Apply the single limits to the profile; a default that is not set stays within new bounds.

        Raises:
            SettingsError: a minimum, default and maximum that contradict each other.
        """
        base = PROFILES[self.profile]
        page_most = _either(self.max_page, base.page_most)
        page = self._bound("page", Bound(1, base.page_default, page_most), (None, self.default_page, page_most))
        single = {
            "invocations_per_minute": self.invocations_per_minute,
            "concurrent_invocations": self.concurrent_invocations,
            "fires_per_minute": self.fires_per_minute,
            "code_bytes": self.max_code_bytes,
            "parameters_bytes": self.max_parameters_bytes,
            "payload_bytes": self.max_payload_bytes,
            "result_bytes": self.max_result_bytes,
            "sequence_length": self.sequence_length,
            "execute_only": self.execute_only_packages,
        }
        concurrency = (None, self.default_concurrency, self.max_concurrency)
        return msgspec.structs.replace(
            base,
            timeout_ms=self._bound("timeout_ms", base.timeout_ms, self._given("timeout_ms")),
            memory_mb=self._bound("memory_mb", base.memory_mb, self._given("memory_mb")),
            logs_mb=self._bound("logs_mb", base.logs_mb, self._given("logs_mb")),
            concurrency=self._bound("concurrency", base.concurrency, concurrency),
            page_most=page_most,
            page_default=page.default,
            **{name: value for name, value in single.items() if value is not None},
        )

    def _given(self, name: str) -> "_Given":
        return getattr(self, f"min_{name}"), getattr(self, f"default_{name}"), getattr(self, f"max_{name}")

    @staticmethod
    def _bound(name: str, base: Bound, given: "_Given") -> Bound:
        least, most = _either(given[0], base.least), _either(given[2], base.most)
        if least > most:
            raise SettingsError(f"limits.min_{name} is {least}, which is more than limits.max_{name}, {most}.")
        default = min(max(base.default, least), most) if given[1] is None else given[1]
        if not least <= default <= most:
            raise SettingsError(f"limits.default_{name} must be from {least} to {most}, not {default}.")
        return Bound(least, default, most)


class AuthSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Whose bearer tokens are valid beside those of the built-in issuer."""

    jwks_url: str | None = None
    key_file: Path | None = None
    issuer: str | None = None
    audience: str | None = None
    static_tokens: Path | None = None
    org_claim: str = "org"
    int_claim: str = "int"
    key_grace_s: Duration = 0.0
    """Seconds that a key is worth something after it was replaced."""


class SecretsSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How parameters and other secrets lie in the store."""

    encrypt: bool = True
    """False writes them as they are; what is encrypted already can still be read."""
    key_file: Path | None = None
    """Of keys, the newest last; unset: one in the data directory, made when it is not there."""


class ForwardingSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where the logs of actions may be sent."""

    private_hosts: bool = False
    """True lets namespaces send to addresses that only this machine or network reaches."""


class EventsSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where events may be sent."""

    private_hosts: bool = False
    """True lets registrations have webhooks at addresses that only this machine or network reaches."""
    publish_requests: Positive = 3000
    """Requests to publish events, of one client within five seconds."""


class WebSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How web actions are reached."""

    host: str | None = None
    """Below which each namespace has its own host, with a port if it is not the usual one; unset: none has."""
    hosts: tuple[str, ...] = ()
    """`HOST=NAMESPACE` each: further hosts that stand for a namespace."""
    redirect: bool = False
    """True sends requests to `host` that name the namespace in the path to the namespace's own host."""
    cache: bool = True
    """False runs the action each time, whatever it says of its answer."""

    @property
    def named_hosts(self) -> dict[str, str]:
        """Namespaces by host."""
        return {host: namespace for host, _, namespace in (text.partition("=") for text in self.hosts)}


class ConsoleSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The pages at `/console`."""

    enabled: bool = True
    key_file: Path | None = None
    """What sessions are encrypted with; unset: `console.key` in the data directory, made when it is missing."""
    session_hours: Annotated[int, Meta(ge=1, le=24 * 30)] = 12
    """After that a reader signs in again."""


class HttpSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the server bears from its clients."""

    patience_s: Annotated[float, Meta(ge=1)] = 30.0
    """Seconds that the head of a request may take; slow bodies and slow readers are judged after as long."""
    connections_per_source: Count = 2048
    """Open connections from one address, or one /64 network of IPv6; 0: any number."""
    wrong_credentials_per_minute: Count = 300
    """From one address, or one /64 network of IPv6, before it gets 429 for more; 0: any number."""


class LogSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    level: Literal["debug", "info", "warning", "error"] = "info"
    format: Literal["console", "json"] = "console"
    audit_file: Path | None = None
    """Where administrative changes are added, a line of JSON each; unset: only in the log."""


class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    host: str = "127.0.0.1"
    port: Annotated[int, Meta(ge=0, le=65_535)] = 3233
    data_dir: Path = Path(".ioruntime")
    keys_dir: Path | None = None
    """Of the keys for secrets, tokens and webhooks, the same for all processes of a cluster; unset: the data directory."""
    role: Literal["all", "controller", "invoker", "deliverer"] = "all"
    name: str | None = None
    """How this process is called in its cluster, the same after a restart; unset: its role and port."""
    reuse_port: bool = False
    """True lets several processes of this machine listen on the same port; the kernel shares connections out."""
    guest_auth: str | None = None
    """`uuid:key` of the namespace `guest`; unset: random at the first start."""
    allow_guest: bool = False
    grace_s: Duration = 10.0
    """Seconds that running activations have to finish when the server is told to stop."""
    public_url: str | None = None
    """What clients reach us by; unset: made of host and port."""
    tls_cert: Path | None = None
    """PEM, with its chain; unset: plain http."""
    tls_key: Path | None = None
    """PEM, without a password; unset: in the file of `tls_cert`."""
    retention_days: Duration = 7.0
    """Days that activation records are kept."""
    store: StoreSettings = StoreSettings()
    bus: BusSettings = BusSettings()
    invoker: InvokerSettings = InvokerSettings()
    docker: DockerSettings = DockerSettings()
    limits: LimitsSettings = LimitsSettings()
    auth: AuthSettings = AuthSettings()
    log: LogSettings = LogSettings()
    http: HttpSettings = HttpSettings()
    web: WebSettings = WebSettings()
    secrets: SecretsSettings = SecretsSettings()
    forwarding: ForwardingSettings = ForwardingSettings()
    console: ConsoleSettings = ConsoleSettings()
    events: EventsSettings = EventsSettings()

    def __repr__(self) -> str:
        """Hide keys and passwords: representations end in logs."""
        return f"<Settings of {self.data_dir} on {self.host}:{self.port}>"

    @property
    def scheme(self) -> Literal["http", "https"]:
        """What the server itself speaks."""
        return "http" if self.tls_cert is None else "https"

    @property
    def keys(self) -> Path:
        """Return the directory of the keys that processes which work together share."""
        return self.keys_dir or self.data_dir

    def store_url(self) -> str:
        return self.store.url or f"sqlite:///{self.data_dir.resolve() / 'ioruntime.db'}"


def runtimes_directory(settings: Settings) -> Path:
    """Where installed interpreters are: shared by every data directory where that is possible."""
    if settings.invoker.runtimes_dir is not None:
        return settings.invoker.runtimes_dir
    shared = Path(sys.prefix, "share", "ioruntime", "runtimes")
    existing = next(folder for folder in (shared, *shared.parents) if folder.exists())
    return shared if os.access(existing, os.W_OK | os.X_OK) else settings.data_dir / "runtimes"


_Given: TypeAlias = tuple[int | None, int | None, int | None]
"""Minimum, default and maximum, as far as they are set."""


def load(path: Path | None, environ: Mapping[str, str], overrides: Mapping[str, Any] = MappingProxyType({})) -> Settings:
    """Read the settings.

    Args:
        path: a TOML file; None reads the one that IORUNTIME_CONFIG names, if any.
        environ: of which the IORUNTIME_* variables are read; an empty one counts as not set.
        overrides: by dotted name, such as `invoker.driver`; None counts as not set.

    Raises:
        SettingsError: a file that cannot be read, a key that does not exist, or a value that it cannot have.
    """
    named = environ.get(CONFIG_VARIABLE)
    file = path or (Path(named) if named else None)
    values = _from_file(file) if file is not None else {}
    values |= _from_environment(environ)
    values |= {key: _read(key, key, value, strict=True) for key, value in overrides.items() if value is not None}
    return _checked(_build(values))


@cache
def fields() -> Mapping[str, Any]:
    """Every setting's type by its dotted name."""
    return MappingProxyType(dict(_fields(Settings, "")))


def variable(key: str) -> str:
    """Return the environment variable of a setting."""
    return PREFIX + key.replace(".", "__").upper()


def machine_memory_mb(groups: str | None = None, root: Path = Path("/sys/fs/cgroup")) -> int:
    """Memory that this process may use: the machine's, or what its control groups leave of it; megabytes.

    Args:
        groups: text of `/proc/self/cgroup`; None reads it.
        root: where the control groups are mounted.
    """
    total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    if groups is None:
        own = Path("/proc/self/cgroup")
        groups = own.read_text() if own.exists() else ""
    return min([total, *_group_limits(groups, root)]) >> 20


def _group_limits(groups: str, root: Path) -> Iterator[int]:
    for line in groups.splitlines():
        _number, controllers, path = line.split(":", 2)
        if controllers and "memory" not in controllers.split(","):
            continue
        top, file = (root / "memory", "memory.limit_in_bytes") if controllers else (root, "memory.max")
        for group in (Path(path), *Path(path).parents):
            limit = top / group.relative_to("/") / file
            text = limit.read_text().strip() if limit.is_file() else ""
            if text.isdigit():
                yield int(text)


def _either(value: int | None, default: int) -> int:
    return default if value is None else value


def _fields(kind: type[msgspec.Struct], prefix: str) -> Iterator[tuple[str, Any]]:
    for field in msgspec.structs.fields(kind):
        value: Any = field.type
        if isinstance(value, type) and issubclass(value, msgspec.Struct):
            yield from _fields(value, f"{field.name}.")
        else:
            yield prefix + field.name, value


def _from_file(file: Path) -> dict[str, Any]:
    try:
        document = tomllib.loads(file.read_text())
    except OSError as error:
        raise SettingsError(f"The settings file {file} cannot be read: {error.strerror}.") from error
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise SettingsError(f"The settings file {file} is not TOML: {error}.") from error
    return {key: _read(key, f"{key} in {file}", value, strict=True) for key, value in _flat(document)}


def _flat(document: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    for key, value in document.items():
        if isinstance(value, dict):
            yield from ((f"{key}.{name}", inner) for name, inner in value.items())  # pyright: ignore[reportUnknownVariableType]
        else:
            yield key, value


def _from_environment(environ: Mapping[str, str]) -> dict[str, Any]:
    values: dict[str, Any] = {}
    aliases = {"IORUNTIME_RUNTIMES_DIR": "invoker.runtimes_dir"}
    # Sorted, so that INVOKER__RUNTIMES_DIR gives way to the shorter name everywhere alike.
    for name in sorted(name for name in environ if name.startswith(PREFIX) and name not in {CONFIG_VARIABLE, *_OF_CLIENTS}):
        key = aliases.get(name) or name.removeprefix(PREFIX).lower().replace("__", ".")
        text = environ[name]
        is_list = isinstance(_kind_of(key, name), inspect.VarTupleType)
        if text:
            value = [part.strip() for part in text.split(",") if part.strip()] if is_list else text
            values[key] = _read(key, name, value, strict=False)
    return values


def _kind_of(key: str, written: str) -> inspect.Type:
    """Return what a setting's value must be.

    Args:
        key: its dotted name.
        written: the key as the operator wrote it, for the error.

    Raises:
        SettingsError: there is no such setting.
    """
    if key not in fields():
        from difflib import get_close_matches

        close = get_close_matches(key, fields(), 1)
        hint = f" Did you mean {variable(close[0]) if written.startswith(PREFIX) else close[0]}?" if close else ""
        raise SettingsError(f"There is no setting {written}.{hint}")
    return inspect.type_info(fields()[key])


def _read(key: str, written: str, value: Any, *, strict: bool) -> Any:
    kind = _kind_of(key, written)
    try:
        return msgspec.convert(value, fields()[key], strict=strict, dec_hook=_read_path)
    except (msgspec.ValidationError, ValueError) as error:
        raise SettingsError(f"{written} must be {_words(kind)}, not {value!r}.") from error


def _read_path(kind: type, value: Any) -> Any:
    if kind is Path and value and isinstance(value, str | Path):
        return Path(value).expanduser()
    raise ValueError


def _words(kind: inspect.Type) -> str:
    match kind:
        case inspect.UnionType(types=types):
            return _words(next(each for each in types if not isinstance(each, inspect.NoneType)))
        case inspect.IntType(ge=least, le=most):
            return "a whole number" + _range(least, most)
        case inspect.FloatType(ge=least, le=most):
            return "a number" + _range(least, most)
        case inspect.BoolType():
            return "true or false"
        case inspect.LiteralType(values=values):
            return f"one of {', '.join(map(str, values))}"
        case inspect.VarTupleType():
            return "a list of texts"
        case inspect.CustomType():
            return "a path"
        case _:
            return "a text"


def _range(least: float | None, most: float | None) -> str:
    if least is None:
        return ""
    return f" of {least:g} or more" if most is None else f" from {least:g} to {most:g}"


def _build(values: Mapping[str, Any]) -> Settings:
    document: dict[str, Any] = {}
    for key, value in values.items():
        section, _, name = key.rpartition(".")
        (document.setdefault(section, {}) if section else document)[name] = value
    sections = {field.name: field.type for field in msgspec.structs.fields(Settings) if field.name in document}
    whole = {name: sections[name](**value) if isinstance(value, dict) else value for name, value in document.items()}
    return Settings(**whole)


def _checked(settings: Settings) -> Settings:
    """Let pass values that go together; a public URL loses the slash at its end.

    Raises:
        SettingsError: they do not, or need what this version does not have.
    """
    settings.limits.effective()
    settings.docker.images()
    _check_cluster(settings)
    _check_guest_auth(settings.guest_auth)
    if settings.tls_key is not None and settings.tls_cert is None:
        raise SettingsError("tls_key needs tls_cert, the certificate that it belongs to.")
    _check_web(settings.web)
    if settings.public_url is None:
        return settings
    if not settings.public_url.startswith(("http://", "https://")):
        raise SettingsError(f"public_url must begin with http:// or https://, not {settings.public_url!r}.")
    return msgspec.structs.replace(settings, public_url=settings.public_url.rstrip("/"))


def _check_cluster(settings: Settings) -> None:
    if settings.bus.url == "local":
        if settings.role != "all":
            raise SettingsError(f"The role {settings.role} needs a cluster: bus.url must name its NATS server.")
        return
    if not settings.bus.url.startswith(("nats://", "tls://")):
        raise SettingsError("bus.url must be local, or begin with nats:// or tls://.")
    if not (settings.store.url or "").startswith("postgresql"):
        raise SettingsError("bus.url names a cluster, which needs a store.url that begins with postgresql://.")
    if settings.role == "invoker" and settings.public_url is None:
        raise SettingsError("The role invoker needs public_url: what actions reach the controllers by.")
    if settings.invoker.first_uid > settings.invoker.last_uid:
        raise SettingsError("invoker.last_uid must not be less than invoker.first_uid.")


def _check_web(web: WebSettings) -> None:
    for text in web.hosts:
        host, _, namespace = text.partition("=")
        if not (_HOST.fullmatch(host) and namespace) or ":" in host:
            raise SettingsError(
                f"web.hosts must have entries HOST=NAMESPACE, the host in lower case and without a port, not {text!r}."
            )
    if web.host is not None and not _HOST.fullmatch(web.host):
        raise SettingsError(f"web.host must be a host name in lower case, with a port or without, not {web.host!r}.")
    if web.redirect and web.host is None:
        raise SettingsError("web.redirect needs web.host, the host that it leads to.")


def _check_guest_auth(text: str | None) -> None:
    try:
        if text is not None:
            AuthKey.parse(text)
    except InvalidError as error:
        raise SettingsError("guest_auth must have the form uuid:key.") from error

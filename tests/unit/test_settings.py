"""Settings: where they come from, which win, and what is said about wrong ones."""

import re
import sys
from pathlib import Path

import msgspec
import pytest

from ioruntime.app.settings import (
    LimitsSettings,
    Settings,
    SettingsError,
    fields,
    load,
    machine_memory_mb,
    runtimes_directory,
    variable,
)
from ioruntime.model.limits import PROFILES, Bound, Limits

REFERENCE = Path(__file__).parents[2] / "docs" / "reference" / "settings.md"


def file_with(folder: Path, text: str) -> Path:
    file = folder / "settings.toml"
    file.write_text(text)
    return file


def test_nothing_said_gives_the_defaults() -> None:
    assert load(None, {}) == Settings()


def test_the_environment_wins_over_the_file_and_the_command_line_over_both(tmp_path: Path) -> None:
    file = file_with(tmp_path, 'port = 1\nhost = "a"\ngrace_s = 3\n[invoker]\nmemory_mb = 1000\ndriver = "process"\n')
    settings = load(file, {"IORUNTIME_PORT": "2", "IORUNTIME_HOST": "b", "IORUNTIME_INVOKER__MEMORY_MB": "2000"}, {"port": 3})
    assert (settings.port, settings.host, settings.grace_s) == (3, "b", 3.0)
    assert (settings.invoker.memory_mb, settings.invoker.driver) == (2000, "process")


def test_the_environment_names_the_file(tmp_path: Path) -> None:
    file = file_with(tmp_path, "port = 1\n")
    assert load(None, {"IORUNTIME_CONFIG": str(file)}).port == 1
    assert load(file, {"IORUNTIME_CONFIG": "/nowhere"}).port == 1


def test_unset_is_empty_in_the_environment_and_none_on_the_command_line() -> None:
    assert load(None, {"IORUNTIME_PORT": "", "IORUNTIME_CONFIG": ""}, {"host": None}) == Settings()


def test_values_are_read_by_their_type(tmp_path: Path) -> None:
    settings = load(
        None,
        {
            "IORUNTIME_ALLOW_GUEST": "true",
            "IORUNTIME_DATA_DIR": "/data",
            "IORUNTIME_RETENTION_DAYS": "0.5",
            "IORUNTIME_INVOKER__PREWARM_KINDS": "nodejs:22, python:3.11,",
            "PATH": "not ours",
        },
        {"invoker.runtimes_dir": tmp_path},
    )
    assert settings.allow_guest is True
    assert settings.data_dir == Path("/data")
    assert settings.retention_days == 0.5
    assert settings.invoker.prewarm_kinds == ("nodejs:22", "python:3.11")
    assert settings.invoker.runtimes_dir == tmp_path


@pytest.mark.parametrize(
    ("environ", "message"),
    [
        pytest.param({"IORUNTIME_PROT": "1"}, "There is no setting IORUNTIME_PROT. Did you mean IORUNTIME_PORT?", id="unknown"),
        pytest.param({"IORUNTIME_INVOKER": "1"}, "There is no setting IORUNTIME_INVOKER.", id="a section is no setting"),
        pytest.param(
            {"IORUNTIME_PORT": "many"}, "IORUNTIME_PORT must be a whole number from 0 to 65535, not 'many'.", id="no number"
        ),
        pytest.param(
            {"IORUNTIME_PORT": "65536"}, "IORUNTIME_PORT must be a whole number from 0 to 65535, not '65536'.", id="out of range"
        ),
        pytest.param(
            {"IORUNTIME_GRACE_S": "-1"}, "IORUNTIME_GRACE_S must be a number of 0 or more, not '-1'.", id="negative time"
        ),
        pytest.param(
            {"IORUNTIME_ALLOW_GUEST": "maybe"}, "IORUNTIME_ALLOW_GUEST must be true or false, not 'maybe'.", id="no boolean"
        ),
        pytest.param(
            {"IORUNTIME_INVOKER__DRIVER": "vm"},
            "IORUNTIME_INVOKER__DRIVER must be one of bubblewrap, docker, process, not 'vm'.",
            id="no such choice",
        ),
        pytest.param({"IORUNTIME_ROLE": "invoker"}, "The role invoker needs a cluster", id="role of a cluster"),
        pytest.param({"IORUNTIME_BUS__URL": "http://x"}, "bus.url must be local", id="bus of another kind"),
        pytest.param(
            {"IORUNTIME_BUS__URL": "nats://x"}, "needs a store.url that begins with postgresql", id="bus without a store"
        ),
        pytest.param(
            {"IORUNTIME_BUS__URL": "nats://x", "IORUNTIME_STORE__URL": "postgresql://x", "IORUNTIME_ROLE": "invoker"},
            "The role invoker needs public_url",
            id="invoker without a URL",
        ),
        pytest.param({"IORUNTIME_GUEST_AUTH": "secret"}, "guest_auth must have the form uuid:key.", id="key without colon"),
        pytest.param(
            {"IORUNTIME_WEB__HOSTS": "shop.test"}, "web.hosts must have entries HOST=NAMESPACE", id="host without namespace"
        ),
        pytest.param({"IORUNTIME_WEB__HOSTS": "a.test=a, Shop=a"}, "web.hosts must have entries", id="host in capitals"),
        pytest.param({"IORUNTIME_WEB__HOSTS": "a.test:80=a"}, "web.hosts must have entries", id="host with a port"),
        pytest.param({"IORUNTIME_PUBLIC_URL": "example.org"}, "public_url must begin with http:// or https://", id="no URL"),
        pytest.param({"IORUNTIME_CONFIG": "/nowhere"}, "The settings file /nowhere cannot be read: No such file", id="no file"),
        pytest.param(
            {"IORUNTIME_LIMITS__MIN_MEMORY_MB": "1000"},
            "limits.min_memory_mb is 1000, which is more than limits.max_memory_mb, 512.",
            id="bounds contradict",
        ),
    ],
)
def test_a_wrong_variable_is_named(environ: dict[str, str], message: str) -> None:
    with pytest.raises(SettingsError, match=re.escape(message)):
        load(None, environ)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        pytest.param("prot = 1", "There is no setting prot in {file}. Did you mean port?", id="unknown key"),
        pytest.param("[disk]\nsize = 1", "There is no setting disk.size in {file}.", id="unknown section"),
        pytest.param("[limits.inner]\nsize = 1", "There is no setting limits.inner in {file}.", id="too deep"),
        pytest.param("store = 1", "There is no setting store in {file}.", id="section with a value"),
        pytest.param("port = '3'", "port in {file} must be a whole number from 0 to 65535, not '3'.", id="text for a number"),
        pytest.param(
            "port = true", "port in {file} must be a whole number from 0 to 65535, not True.", id="boolean for a number"
        ),
        pytest.param("data_dir = 3", "data_dir in {file} must be a path, not 3.", id="number for a path"),
        pytest.param("host = 3", "host in {file} must be a text, not 3.", id="number for a text"),
        pytest.param(
            "[invoker]\nprewarm_kinds = 'x'",
            "invoker.prewarm_kinds in {file} must be a list of texts, not 'x'.",
            id="text for a list",
        ),
        pytest.param("port", "The settings file {file} is not TOML:", id="no TOML"),
    ],
)
def test_a_wrong_key_of_the_file_is_named(tmp_path: Path, text: str, message: str) -> None:
    file = file_with(tmp_path, text)
    with pytest.raises(SettingsError, match=re.escape(message.format(file=file))):
        load(file, {})


def test_unknown_overrides_are_errors_too() -> None:
    with pytest.raises(SettingsError, match=r"There is no setting prot\."):
        load(None, {}, {"prot": 1})


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        pytest.param({}, Limits(), id="the profile alone"),
        pytest.param({"profile": "adobe"}, PROFILES["adobe"], id="the other profile"),
        pytest.param(
            {"max_timeout_ms": 1000}, Limits(timeout_ms=Bound(100, 1000, 1000)), id="the default gives way to a maximum"
        ),
        pytest.param({"min_memory_mb": 300}, Limits(memory_mb=Bound(300, 300, 512)), id="the default gives way to a minimum"),
        pytest.param({"default_logs_mb": 5}, Limits(logs_mb=Bound(0, 5, 10)), id="another default"),
        pytest.param({"max_concurrency": 1}, Limits(concurrency=Bound(1, 1, 1)), id="concurrency"),
        pytest.param({"max_page": 20}, Limits(page_most=20, page_default=20), id="pages"),
        pytest.param({"fires_per_minute": 0}, Limits(fires_per_minute=0), id="zero is a limit"),
        pytest.param(
            {"max_code_bytes": 1, "max_parameters_bytes": 2, "max_payload_bytes": 3, "max_result_bytes": 4},
            Limits(code_bytes=1, parameters_bytes=2, payload_bytes=3, result_bytes=4),
            id="sizes",
        ),
        pytest.param(
            {"invocations_per_minute": 1, "concurrent_invocations": 2, "sequence_length": 3},
            Limits(invocations_per_minute=1, concurrent_invocations=2, sequence_length=3),
            id="counts",
        ),
    ],
)
def test_effective_limits(given: dict[str, int | str], expected: Limits) -> None:
    assert msgspec.convert(given, LimitsSettings).effective() == expected


def test_a_default_outside_its_bounds_is_refused() -> None:
    with pytest.raises(SettingsError, match=r"limits.default_timeout_ms must be from 100 to 300000, not 50\."):
        LimitsSettings(default_timeout_ms=50).effective()


def test_the_store_is_in_the_data_directory_unless_told_otherwise(tmp_path: Path) -> None:
    assert load(None, {}, {"data_dir": tmp_path}).store_url() == f"sqlite:///{tmp_path}/ioruntime.db"
    assert load(None, {"IORUNTIME_STORE__URL": "postgresql://x"}).store_url() == "postgresql://x"


def test_runtimes_are_where_the_environment_says() -> None:
    assert runtimes_directory(load(None, {"IORUNTIME_RUNTIMES_DIR": "/r"})) == Path("/r")
    assert runtimes_directory(load(None, {"IORUNTIME_INVOKER__RUNTIMES_DIR": "/r"})) == Path("/r")


def test_runtimes_are_shared_where_the_installation_can_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "prefix", str(tmp_path))
    assert runtimes_directory(Settings()) == tmp_path / "share" / "ioruntime" / "runtimes"


def test_runtimes_are_in_the_data_directory_otherwise(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "prefix", "/dev/null")
    assert runtimes_directory(Settings(data_dir=Path("/d"))) == Path("/d/runtimes")


def test_memory_is_half_of_the_machine_unless_told_otherwise() -> None:
    assert load(None, {}).invoker.total_memory_mb() == machine_memory_mb() // 2
    assert load(None, {"IORUNTIME_INVOKER__MEMORY_MB": "512"}).invoker.total_memory_mb() == 512


@pytest.mark.parametrize(
    ("groups", "files", "expected_mb"),
    [
        pytest.param("0::/a/b\n", {"a/memory.max": "104857600\n", "a/b/memory.max": "max\n"}, 100, id="v2 inherits"),
        pytest.param("0::/hidden\n", {"memory.max": "104857600\n"}, 100, id="v2 in a container"),
        pytest.param("9:memory:/a\n", {"memory/a/memory.limit_in_bytes": "52428800\n"}, 50, id="v1"),
        pytest.param("8:cpu,cpuacct:/a\n", {"memory/a/memory.limit_in_bytes": "52428800\n"}, None, id="another controller"),
        pytest.param("9:memory:/a\n", {"memory/a/memory.limit_in_bytes": "9223372036854771712\n"}, None, id="v1 without limit"),
        pytest.param("", {}, None, id="no groups"),
    ],
)
def test_memory_is_what_the_control_group_allows(
    tmp_path: Path, groups: str, files: dict[str, str], expected_mb: int | None
) -> None:
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    assert machine_memory_mb(groups, tmp_path) == (expected_mb or machine_memory_mb("", tmp_path))


def test_a_public_url_has_no_slash_at_its_end() -> None:
    assert load(None, {"IORUNTIME_PUBLIC_URL": "https://example.org/"}).public_url == "https://example.org"


def test_representations_hide_secrets() -> None:
    settings = load(None, {"IORUNTIME_GUEST_AUTH": "uuid:secret", "IORUNTIME_STORE__URL": "postgresql://me:secret@db/x"})
    assert "secret" not in repr(settings)


@pytest.mark.parametrize("key", list(fields()))
def test_every_setting_is_in_the_reference(key: str) -> None:
    rows = [line for line in REFERENCE.read_text().splitlines() if line.startswith(f"| `{key}` | `{variable(key)}` |")]
    assert len(rows) == 1


def test_the_reference_has_no_setting_that_does_not_exist() -> None:
    named = re.findall(r"^\| `([a-z_.]+)` \| `IORUNTIME_", REFERENCE.read_text(), re.MULTILINE)
    assert set(named) == set(fields())

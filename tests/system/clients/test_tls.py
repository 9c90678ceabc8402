"""https by the server itself, with a certificate that it made nobody trust: the same clients, the same answers."""

import shutil
import ssl
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from urllib.error import URLError

import msgspec
import pytest

from ioruntime.testing.aio import Aio
from ioruntime.testing.certificates import Files, make_certificate
from ioruntime.testing.openwhisk import Caller, call_from_outside
from ioruntime.testing.server import GUEST_AUTH, Server, StartFailedError, running_server

pytestmark = [pytest.mark.clients, pytest.mark.timeout(300)]
SCRIPT = Path(__file__).with_name("openwhisk_calls.js")


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Files:
    return make_certificate(tmp_path_factory.mktemp("certificate"))


@pytest.fixture(scope="module")
def tls_server(tmp_path_factory: pytest.TempPathFactory, certificate: Files) -> Iterator[Server]:
    with running_server(tmp_path_factory.mktemp("tls") / "data", environment=certificate.settings) as server:
        yield server


def test_the_address_is_https_everywhere(tls_server: Server) -> None:
    assert tls_server.url == f"https://127.0.0.1:{tls_server.port}"
    assert tls_server.credentials["apihost"] == tls_server.url


def test_who_trusts_the_certificate_gets_answers_and_nobody_else(tls_server: Server, certificate: Files) -> None:
    trusting = ssl.create_default_context(cafile=str(certificate.cert))
    with urllib.request.urlopen(f"{tls_server.url}/ping", context=trusting, timeout=30) as answer:
        assert answer.read() == b"pong"
    with pytest.raises(URLError, match="CERTIFICATE_VERIFY_FAILED"):
        urllib.request.urlopen(f"{tls_server.url}/ping", timeout=30)
    with pytest.raises(OSError, match=r"."):
        urllib.request.urlopen(f"http://127.0.0.1:{tls_server.port}/ping", timeout=30)


def test_links_in_answers_are_https(tls_server: Server, certificate: Files) -> None:
    trusting = ssl.create_default_context(cafile=str(certificate.cert))
    url = f"{tls_server.url}/ims/.well-known/openid-configuration"
    with urllib.request.urlopen(url, context=trusting, timeout=30) as answer:
        assert msgspec.json.decode(answer.read())["token_endpoint"] == f"{tls_server.url}/ims/token/v3"


def test_the_openwhisk_package(tls_server: Server, certificate: Files, openwhisk_package: Path) -> None:
    caller = Caller(tls_server, "guest", "guest", "guest", GUEST_AUTH)
    seen = call_from_outside(caller, SCRIPT, openwhisk_package, {"NODE_EXTRA_CA_CERTS": str(certificate.cert)})
    assert seen["actions"]["result"] == {"hello": "Grace"}
    assert seen["actions"]["failed"]["status"] == 502
    assert seen["rules"]["heard"]["tone"] == "low"
    assert seen["routes"]["created"]["gwApiUrl"].startswith("https://")
    assert (seen["routes"]["person"][0], seen["clients"]["stranger"]["status"]) == (200, 401)


def test_aio(fetched: None, tmp_path: Path, tls_server: Server, certificate: Files) -> None:
    trusting = Aio.basic(tmp_path, tls_server.url, "guest", GUEST_AUTH, {"NODE_EXTRA_CA_CERTS": str(certificate.cert)})
    trusting.write("hello.js", "function main() { console.log('here'); return { hello: 1 } }")
    trusting("action create hello hello.js")
    assert trusting.json("action invoke hello --result") == {"hello": 1}
    assert "here" in trusting("activation logs --last")
    careless = Aio.basic(tmp_path, tls_server.url, "guest", GUEST_AUTH)
    assert "hello" in careless("action list --insecure")
    assert "self-signed certificate" in careless.refused("action list")
    trusting("action delete hello")  # others look at this namespace too


@pytest.mark.parametrize(
    ("change", "told"),
    [
        pytest.param({"IORUNTIME_TLS_CERT": ""}, "tls_key needs tls_cert", id="a key alone"),
        pytest.param({"IORUNTIME_TLS_KEY": "/nowhere/key.pem"}, "/nowhere/key.pem cannot be read: No such file", id="no file"),
        pytest.param({"IORUNTIME_TLS_KEY": ""}, "are no PEM certificate with its key", id="no key in the certificate's file"),
    ],
)
def test_files_that_do_not_fit(change: dict[str, str], told: str, tmp_path: Path, certificate: Files) -> None:
    with pytest.raises(StartFailedError, match=told), running_server(tmp_path / "d", environment=certificate.settings | change):
        pass


def test_a_key_of_another_certificate(tmp_path: Path, certificate: Files) -> None:
    shutil.copy(make_certificate(tmp_path).key, tmp_path / "other.pem")
    wrong = certificate.settings | {"IORUNTIME_TLS_KEY": str(tmp_path / "other.pem")}
    with pytest.raises(StartFailedError, match="key values mismatch"), running_server(tmp_path / "d", environment=wrong):
        pass


def test_certificate_and_key_in_one_file(tmp_path: Path, certificate: Files) -> None:
    both = tmp_path / "both.pem"
    both.write_bytes(certificate.cert.read_bytes() + certificate.key.read_bytes())
    with running_server(tmp_path / "d", environment={"IORUNTIME_TLS_CERT": str(both)}) as server:
        assert server.url.startswith("https://")

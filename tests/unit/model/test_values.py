"""Code, versions, ids, keys and owners."""

import msgspec
import pytest

from ioruntime.model.action import check_version, next_version
from ioruntime.model.activation import Activation, Status, check_activation_id, error_result, new_activation_id
from ioruntime.model.errors import InvalidError, ThrottledError
from ioruntime.model.exec import decode_code, encode_code
from ioruntime.model.identity import AuthKey, Owner


@pytest.mark.parametrize(
    ("text", "content", "binary"),
    [
        pytest.param("UEsDBA==", b"PK\x03\x04", True, id="base64 of a zip"),
        pytest.param("UEsDBA==\n", b"PK\x03\x04", True, id="a line end after it"),
        pytest.param("main", b"\x99\xa8\xa7", True, id="text that happens to be base64"),
        pytest.param("AAA=", b"\0\0", True, id="one sign of padding"),
        pytest.param("", b"", False, id="nothing"),
        pytest.param("  ", b"  ", False, id="blanks"),
        pytest.param("abc", b"abc", False, id="not a multiple of four"),
        pytest.param("a===", b"a===", False, id="too much padding"),
        pytest.param("ab=c", b"ab=c", False, id="padding in the middle"),
        pytest.param("ab-_", b"ab-_", False, id="the other alphabet"),
        pytest.param("abcd\nefgh", b"abcd\nefgh", False, id="a line end in the middle"),
        pytest.param("def f():\n  pass\n", b"def f():\n  pass\n", False, id="source"),
        pytest.param("äöüß", "äöüß".encode(), False, id="four letters beyond ASCII"),
    ],
)
def test_decode_code(text: str, content: bytes, binary: bool) -> None:
    assert decode_code(text) == (content, binary)


def test_encode_code() -> None:
    assert encode_code(b"PK\x03\x04", binary=True) == "UEsDBA=="
    assert encode_code("ä".encode(), binary=False) == "ä"


@pytest.mark.parametrize("version", ["0.0.1", "1.0.0", "10.20.30", "0.1.0", "999999999.0.0"])
def test_versions(version: str) -> None:
    assert check_version(version) == version


@pytest.mark.parametrize("version", ["", "0.0.0", "1", "1.2", "1.2.3.4", "a.b.c", "1.2.-3", " 1.2.3", "1.2.3\n", "1.2.٣", "00.0"])
def test_no_versions(version: str) -> None:
    with pytest.raises(InvalidError, match="is not a semantic version"):
        check_version(version)


def test_the_patch_level_counts() -> None:
    assert next_version("0.0.1") == "0.0.2"
    assert next_version("1.2.9") == "1.2.10"


def test_activation_ids_are_new_each_time_and_legal() -> None:
    ids = {new_activation_id() for _ in range(100)}
    assert len(ids) == 100
    assert all(check_activation_id(each) == each for each in ids)


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("0" * 31, "Activation id length is 31 but must be 32."),
        ("0" * 33, "Activation id length is 33 but must be 32."),
        ("", "Activation id length is 0 but must be 32."),
        ("A" * 32, "The activation id is not valid."),
        ("0" * 31 + "\n", "The activation id is not valid."),
        ("٠" * 32, "The activation id is not valid."),
    ],
)
def test_illegal_activation_ids(text: str, error: str) -> None:
    with pytest.raises(InvalidError) as refusal:
        check_activation_id(text)
    assert str(refusal.value) == error


@pytest.mark.parametrize(
    ("status", "code", "text"),
    [
        (Status.SUCCESS, 0, "success"),
        (Status.APPLICATION_ERROR, 1, "application error"),
        (Status.DEVELOPER_ERROR, 2, "action developer error"),
        (Status.WHISK_ERROR, 3, "whisk internal error"),
    ],
)
def test_statuses(status: Status, code: int, text: str) -> None:
    activation = Activation(
        activation_id=new_activation_id(), namespace="n", name="a", version="0.0.1", subject="s", start_ms=1, status=status
    )
    assert (int(status), status.text, activation.success) == (code, text, code == 0)


def test_an_error_result_is_json_whatever_the_text() -> None:
    assert msgspec.json.decode(error_result('a "b" \n ä')) == {"error": 'a "b" \n ä'}


def test_auth_keys() -> None:
    key = AuthKey.generate()
    assert AuthKey.parse(str(key)) == key
    assert len(key.key) == 64
    assert key.key not in repr(key)
    assert AuthKey.parse("u:k:l") == AuthKey("u", "k:l")


@pytest.mark.parametrize("text", ["", ":", "u:", ":k", "uk"])
def test_what_is_no_auth_key(text: str) -> None:
    with pytest.raises(InvalidError, match="uuid:key"):
        AuthKey.parse(text)


def test_owners_name_their_namespace() -> None:
    assert Owner.of("acme", "app-1").default_name == "acme_app-1"
    with pytest.raises(InvalidError, match="The namespace contains illegal characters"):
        Owner.of("ac/me", "app")
    with pytest.raises(InvalidError, match="Namespace longer than allowed: 257 > 256"):
        Owner.of("acme", "x" * 257)


def test_throttling_in_the_words_of_the_contract() -> None:
    rate = ThrottledError.rate(61, 60, retry_after_s=3.0)
    assert str(rate) == "Too many requests in the last minute (count: 61, allowed: 60)."
    assert rate.retry_after_s == 3.0
    assert str(ThrottledError.concurrency(31, 30)) == "Too many concurrent requests in flight (count: 31, allowed: 30)."

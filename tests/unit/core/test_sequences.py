"""What one component of a sequence hands to the next."""

import msgspec
import pytest

from ioruntime.core.sequences import next_arguments


@pytest.mark.parametrize(
    ("result", "expected"),
    [
        pytest.param(b'{"a":1}', b'{"a":1}', id="an object"),
        pytest.param(b' \n\t{"a":1} ', b' \n\t{"a":1} ', id="an object among blanks"),
        pytest.param(b"[1]", b"[1]", id="an array"),
        pytest.param(b'"{}"', b"{}", id="a text that looks like one"),
        pytest.param(b"7", b"{}", id="a number"),
        pytest.param(b"true", b"{}", id="a truth"),
        pytest.param(b"null", b"{}", id="null"),
        pytest.param(b"", b"{}", id="nothing at all"),
    ],
)
def test_next_arguments(result: bytes, expected: bytes) -> None:
    assert bytes(next_arguments(msgspec.Raw(result))) == expected

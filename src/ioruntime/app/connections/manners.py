"""What a request's head must not have, beyond what the parser refuses by itself. Pure.

Whatever two programs in a row could read differently is refused: between a proxy and this server, a second request could
hide in the difference.
"""

import re
from collections.abc import Sequence

HEADERS_MOST = 256
_VERSIONS = {"1.0", "1.1"}
_HOST = re.compile(rb"[A-Za-z0-9._~!$&'()*+;=%-]{0,255}(:[0-9]{0,5})?|\[[0-9A-Fa-f:.]{2,45}\](:[0-9]{0,5})?")


def fault_of(version: str, headers: Sequence[tuple[bytes, bytes]]) -> str | None:
    """Tell in a sentence what is wrong with a head; None when nothing is.

    Args:
        version: of HTTP, such as `1.1`.
        headers: with names in lower case.
    """
    if version not in _VERSIONS:
        return "This server speaks HTTP/1.1."
    if len(headers) > HEADERS_MOST:
        return f"The request has more than {HEADERS_MOST} headers."
    hosts = 0
    for name, value in headers:
        if name == b"host":
            hosts += 1
            if hosts > 1 or not _HOST.fullmatch(value):
                return "The request must name one host, and nothing but a host and a port."
        elif name == b"transfer-encoding" and (value.lower() != b"chunked" or version != "1.1"):
            return "The only transfer encoding that this server reads is chunked, in HTTP/1.1."
    return None

# Writes garbage to the connection by which it is asked.
# expect: contained
import os
import socket


def main(args):
    for fd in range(3, 64):
        try:
            if os.readlink(f"/proc/self/fd/{fd}").startswith("socket:"):
                os.write(fd, b"HTTP/1.1 200 OK\r\ncontent-length: 99999999999\r\n\r\n\0\0\0")
        except OSError:
            pass
    return {"breaches": []}

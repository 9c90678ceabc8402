# Answers its own request before the runtime does, with headers and a second answer.
# expect: contained
import os


def main(args):
    body = b'{"forged": true, "breaches": []}'
    answer = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n%s" % (len(body), body)
    for fd in range(3, 64):
        try:
            if os.readlink(f"/proc/self/fd/{fd}").startswith("socket:"):
                os.write(fd, answer * 2)
        except OSError:
            pass
    return {"breaches": []}

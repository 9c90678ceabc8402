# Writes one line without end, past the runtime.
# expect: logs cut
import os


def main(args):
    chunk = b"x" * 65536
    for _ in range(400):
        os.write(1, chunk)
    return {"breaches": []}

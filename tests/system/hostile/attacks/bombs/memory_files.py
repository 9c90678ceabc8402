# Fills the memory of the machine through files that no mount limits.
# expect: out of memory | contained
import os


def main(args):
    held = []
    for _ in range(16):
        fd = os.memfd_create("x")
        held.append(fd)
        for _ in range(64):
            os.write(fd, bytes(1 << 20))
    return {"kept": "1 GB in memory files"}

# Fills the memory with children, each below the limit.
# expect: contained
import os
import time


def main(args):
    for _ in range(8):
        if os.fork() == 0:
            hoard = bytearray(b"x") * (48 << 20)
            time.sleep(60)
            os._exit(len(hoard) and 0)
    time.sleep(3)
    return {"breaches": []}

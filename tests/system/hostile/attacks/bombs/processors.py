# Uses all processors with children that outlive it.
# expect: contained
import os
import time


def main(args):
    for _ in range(16):
        if os.fork() == 0:
            os.setsid()
            while True:
                pass
    time.sleep(1)
    return {"breaches": []}

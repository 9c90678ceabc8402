# Forks without end.
# expect: contained
import os
import time


def main(args):
    while True:
        try:
            if os.fork() == 0:
                while True:
                    try:
                        os.fork()
                    except OSError:
                        time.sleep(30)
        except OSError:
            break
    return {"breaches": []}

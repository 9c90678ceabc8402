# Leaves a child behind that goes on after the answer, with its name changed.
# expect: contained
import os
import time


def main(args):
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            with open("/proc/self/comm", "w") as file:
                file.write("kworker/0:1")
            while True:
                time.sleep(0.01)
        os._exit(0)
    return {"breaches": []}

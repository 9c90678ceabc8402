# Kills the first process of its namespace.
# expect: denied or ends
import os
import signal


def main(args):
    try:
        os.kill(1, signal.SIGKILL)
    except OSError:
        pass
    return {"breaches": []}

# Kills all that it can see, itself among it.
# expect: ends
import os
import signal


def main(args):
    os.kill(-1, signal.SIGKILL)
    os.kill(os.getpid(), signal.SIGKILL)
    return {"breaches": ["still alive"]}

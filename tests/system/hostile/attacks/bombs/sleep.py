# Sleeps past its deadline, deaf to signals.
# expect: timeout
import signal
import time


def main(args):
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGALRM):
        try:
            signal.signal(number, signal.SIG_IGN)
        except ValueError:
            pass
    while True:
        time.sleep(1000)

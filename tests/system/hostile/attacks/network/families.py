# Uses the families of sockets that nobody watches: vsock, crypto, bluetooth, CAN, RDS, TIPC.
# expect: denied
import socket


def main(args):
    breaches = []
    for family in range(46):
        if family in (1, 2, 10, 16):
            continue
        for kind in (1, 2, 3, 5):
            try:
                socket.socket(family, kind, 0).close()
                breaches.append(f"family {family} type {kind}")
            except OSError:
                pass
    return {"breaches": breaches}

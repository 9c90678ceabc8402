# Speaks to the kernel of its firewalls, its audit and its processes.
# expect: denied
import socket


def main(args):
    breaches = []
    for protocol in (4, 6, 7, 9, 10, 11, 12, 15, 16, 18, 20):
        try:
            socket.socket(16, 3, protocol).close()
            breaches.append(f"protocol {protocol}")
        except OSError:
            pass
    return {"breaches": breaches}

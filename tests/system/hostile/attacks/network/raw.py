# Opens raw sockets, to forge and to listen.
# expect: denied
import socket


def main(args):
    breaches = []
    for name, kind in {
        "icmp": (2, 3, 1),
        "ip": (2, 3, 255),
        "raw tcp": (2, 3, 6),
        "ping": (2, 2, 1),
        "raw v6": (10, 3, 58),
    }.items():
        try:
            socket.socket(*kind).close()
            breaches.append(name)
        except OSError:
            pass
    return {"breaches": breaches}

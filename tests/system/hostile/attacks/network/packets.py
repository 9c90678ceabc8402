# Listens to packets of all interfaces.
# expect: denied
import socket


def main(args):
    breaches = []
    for name, kind in {"packet": (17, 3, 0x300), "packet dgram": (17, 2, 0x300), "xdp": (44, 3, 0)}.items():
        try:
            socket.socket(*kind).close()
            breaches.append(name)
        except OSError:
            pass
    return {"breaches": breaches}

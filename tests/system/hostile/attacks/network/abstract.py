# Finds abstract sockets of the host, which have no path to be hidden.
# expect: denied
import socket


def main(args):
    breaches = []
    for name in args["abstract"]:
        with socket.socket(socket.AF_UNIX) as sock:
            try:
                sock.connect("\0" + name)
                breaches.append(name)
            except OSError:
                pass
    table = open("/proc/net/unix").read()
    breaches += [name for name in args["abstract"] if name in table]
    return {"breaches": breaches}

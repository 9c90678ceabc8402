# Connects to the abstract socket and the port of another sandbox.
# expect: denied
import socket


def main(args):
    breaches = []
    with socket.socket(socket.AF_UNIX) as sock:
        try:
            sock.connect("\0" + args["secret"])
            breaches.append("abstract socket")
        except OSError:
            pass
    for host in args["neighbours"]:
        try:
            socket.create_connection((host, 7007), 2).close()
            breaches.append(host)
        except OSError:
            pass
    return {"breaches": breaches}

# Attacks the router between the sandboxes: its services, its addresses, its other side.
# expect: denied
import socket


def main(args):
    breaches = []
    for host in ("198.18.0.1", "198.19.0.1", "198.18.1.0", "198.18.1.1", "198.18.1.2"):
        for port in (22, 53, 80, 111, 3233):
            with socket.socket() as sock:
                sock.settimeout(0.5)
                try:
                    sock.connect((host, port))
                    if sock.getpeername() != sock.getsockname():
                        breaches.append(f"{host}:{port}")
                except OSError:
                    pass
    return {"breaches": breaches}

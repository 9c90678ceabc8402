# Takes the ports of well-known services on every address.
# expect: denied
import socket


def main(args):
    breaches = []
    for port in (22, 53, 80, 443):
        try:
            socket.create_server(("0.0.0.0", port)).close()
            breaches.append(f"port {port}")
        except OSError:
            pass
    return {"breaches": breaches}

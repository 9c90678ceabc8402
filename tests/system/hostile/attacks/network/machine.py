# Connects to services of the machine by its other addresses.
# expect: denied
import socket


def main(args):
    breaches = []
    for host in args["addresses"]:
        for port in args["ports"]:
            try:
                socket.create_connection((host, port), 5).close()
                breaches.append(f"{host}:{port}")
            except OSError:
                pass
    return {"breaches": breaches}

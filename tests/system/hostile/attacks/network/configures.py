# Changes its addresses, its routes and its interfaces.
# expect: denied
import subprocess


def main(args):
    breaches = []
    for command in (
        "ip addr add 10.0.0.1/8 dev lo",
        "ip route add 10.0.0.0/8 dev lo",
        "ip link add x type dummy",
        "nft add table x",
    ):
        try:
            if subprocess.run(command.split(), capture_output=True, timeout=5).returncode == 0:
                breaches.append(command)
        except OSError:
            pass
    return {"breaches": breaches}

# Uses every descriptor that it was started with.
# expect: denied
import os


def main(args):
    breaches = []
    for fd in range(3, 256):
        try:
            target = os.readlink(f"/proc/self/fd/{fd}")
        except OSError:
            continue
        if target.startswith("/") and not target.startswith(("/dev/null", "/proc", "/dev/urandom", "/runtime", "/code", "/tmp")):
            breaches.append(target)
        if target.startswith(("net:", "mnt:", "pid:")):
            breaches.append(target)
    return {"breaches": breaches}

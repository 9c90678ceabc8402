# Keeps files alive or reaches others by hard links across its mounts.
# expect: denied
import os


def main(args):
    breaches = []
    for path in ("/etc/passwd", "/usr/bin/env", "/runtime/main.py", "/code"):
        try:
            os.link(path, "/tmp/linked")
        except OSError:
            continue
        breaches.append(path)
    return {"breaches": breaches}

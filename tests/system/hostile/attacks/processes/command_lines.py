# Reads the command lines of all processes for paths and secrets of the host.
# expect: denied
import os


def main(args):
    breaches = []
    for pid in filter(str.isdecimal, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/cmdline") as file:
                words = file.read().replace("\0", " ")
        except OSError:
            continue
        if "serve" in words or "data-dir" in words or "sandboxes" in words:
            breaches.append(words)
    return {"breaches": breaches}

# Reads and writes the memory of the first process.
# expect: denied
import os


def main(args):
    breaches = []
    for how in ("rb", "r+b"):
        try:
            with open("/proc/1/mem", how, buffering=0) as memory:
                memory.seek(int(open("/proc/1/maps").readline().split("-")[0], 16))
                breaches.append(str(memory.read(16)))
        except (OSError, ValueError):
            pass
    return {"breaches": breaches}

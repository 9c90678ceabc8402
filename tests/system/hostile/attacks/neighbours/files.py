# Looks for the files of another sandbox.
# expect: denied
import os


def main(args):
    secret = args["secret"]
    breaches = []
    for folder in ("/tmp", "/dev/shm", "/code", "/proc/1/root/tmp"):
        try:
            breaches += [f"{folder}/{name}" for name in os.listdir(folder) if secret in name]
        except OSError:
            pass
    return {"breaches": breaches}

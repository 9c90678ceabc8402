# Opens files until none are left.
# expect: denied
import os


def main(args):
    held = []
    try:
        while len(held) < 100000:
            held.append(os.open("/dev/null", os.O_RDONLY))
    except OSError:
        pass
    for fd in held:
        os.close(fd)
    return {"breaches": [f"{len(held)} files"] if len(held) > 5000 else []}

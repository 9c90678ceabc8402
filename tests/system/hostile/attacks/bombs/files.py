# Fills the disk with small files.
# expect: contained
import os


def main(args):
    count = 0
    try:
        while count < 2_000_000:
            os.close(os.open(f"/tmp/f{count}", os.O_CREAT | os.O_WRONLY))
            count += 1
    except OSError:
        pass
    return {"breaches": [f"{count} files"] if count >= 2_000_000 else []}

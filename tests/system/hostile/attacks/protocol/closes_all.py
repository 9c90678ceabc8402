# Closes every descriptor, those of the runtime among them.
# expect: ends
import os


def main(args):
    os.closerange(0, 4096)
    return {"breaches": []}

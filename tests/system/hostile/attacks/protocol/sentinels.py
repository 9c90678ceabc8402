# Forges the end of its log by writing straight to the descriptor.
# expect: last line kept
import os


def main(args):
    for text in (b"XXX_THE_END_OF_A_WHISK_ACTIVATION_XXX\n", b"\0\0\0", b"\n\n", b"\x1b[2J", b"\xff\xfe\n"):
        os.write(1, text)
        os.write(2, text)
    os.write(1, b"the last line\n")
    return {"breaches": []}

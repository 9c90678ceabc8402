# Fills the memory.
# expect: out of memory
def main(args):
    hoard = []
    while True:
        hoard.append(bytearray(b"x") * (1 << 20))

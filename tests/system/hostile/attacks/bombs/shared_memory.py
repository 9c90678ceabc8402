# Fills the memory of the machine through /dev/shm.
# expect: contained
def main(args):
    written = 0
    try:
        with open("/dev/shm/big", "wb") as file:
            while written < 4 << 30:
                written += file.write(bytes(1 << 20))
    except OSError:
        pass
    return {"breaches": [f"{written} bytes"] if written > 300 << 20 else []}

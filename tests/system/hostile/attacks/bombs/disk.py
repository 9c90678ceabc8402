# Fills the disk through /tmp.
# expect: contained
def main(args):
    written = 0
    try:
        with open("/tmp/big", "wb") as file:
            while written < 4 << 30:
                written += file.write(bytes(1 << 20))
    except OSError:
        pass
    return {"breaches": [f"{written} bytes"] if written > 300 << 20 else []}

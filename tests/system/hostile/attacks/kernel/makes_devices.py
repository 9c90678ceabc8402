# Makes device files to read disks with.
# expect: denied
import os
import stat


def main(args):
    breaches = []
    for kind, major, minor in ((stat.S_IFBLK, 8, 0), (stat.S_IFBLK, 254, 0), (stat.S_IFCHR, 1, 1), (stat.S_IFCHR, 10, 229)):
        try:
            os.mknod(f"/tmp/device{major}", kind | 0o666, os.makedev(major, minor))
            breaches.append(f"{major}:{minor}")
        except OSError:
            pass
    return {"breaches": breaches}

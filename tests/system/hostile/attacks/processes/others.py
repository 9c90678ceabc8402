# Lists processes of the host and of other sandboxes.
# expect: denied
import os


def main(args):
    found = [int(name) for name in os.listdir("/proc") if name.isdecimal()]
    strangers = [pid for pid in found if pid > 50]
    return {"breaches": [f"process {pid}" for pid in strangers]}

# Becomes root by every call that changes users.
# expect: denied
import os


def main(args):
    breaches = []
    for change in (os.setuid, os.seteuid, os.setgid, os.setegid):
        try:
            change(0)
            breaches.append(change.__name__)
        except OSError:
            pass
    try:
        os.setgroups([0])
        breaches.append("setgroups")
    except OSError:
        pass
    status = open("/proc/self/status").read()
    if "CapEff:\t" + "0" * 16 not in status or "NoNewPrivs:\t1" not in status:
        breaches.append(status)
    return {"breaches": breaches}

# Reads what the kernel tells of itself: its memory, keys, boot parameters and settings of the hardware.
# expect: denied
import os


def attempt(breaches, name, work):
    try:
        got = work()
    except Exception:
        return
    if got is not None:
        breaches.append(f"{name}: {str(got)[:200]}")


def main(args):
    breaches = []
    for path in [
        "/proc/kcore",
        "/proc/keys",
        "/proc/cmdline",
        "/proc/kmsg",
        "/proc/kpagecount",
        "/proc/timer_list",
        "/proc/sched_debug",
        "/proc/acpi",
    ]:
        attempt(
            breaches, path, lambda: (os.listdir(path) or None) if os.path.isdir(path) else (open(path, "rb").read(64) or None)
        )
    return {"breaches": breaches}

# Looks into the homes and the temporary files of the host.
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
    for path in ["/root", "/home", "/var", "/run", "/srv", "/mnt", "/media", "/opt/../root"]:
        attempt(
            breaches, path, lambda: (os.listdir(path) or None) if os.path.isdir(path) else (open(path, "rb").read(64) or None)
        )
    return {"breaches": breaches}

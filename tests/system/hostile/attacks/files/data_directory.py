# Looks for the data directory of the platform by name in everything that it can see.
# expect: denied
import os


def main(args):
    breaches = []
    for folder, folders, files in os.walk("/"):
        if folder.startswith(("/proc", "/usr", "/lib", "/opt", "/node_modules")):
            folders.clear()
            continue
        found = {"ioruntime.db", "credentials.json", "secrets.keys", "socket"} & set(files)
        breaches += [f"{folder}/{name}" for name in found]
    return {"breaches": breaches}

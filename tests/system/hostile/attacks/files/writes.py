# Writes to everything that should be read-only: the system, the code, the runtime, devices.
# expect: denied
import os


def main(args):
    breaches = []
    for folder in ("/", "/bin", "/usr/bin", "/usr/lib", "/etc", "/code", "/runtime", "/dev", "/proc", "/opt", "/opt/python"):
        try:
            with open(f"{folder}/intruder", "w") as file:
                file.write("here")
        except OSError:
            continue
        breaches.append(folder)
    return {"breaches": breaches}

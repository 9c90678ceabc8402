# Looks for System V memory and semaphores of others.
# expect: denied
import ctypes

libc = ctypes.CDLL(None, use_errno=True)


def main(args):
    breaches = []
    for key in (7007, 1, 2):
        if libc.shmget(key, 0, 0) >= 0:
            breaches.append(f"memory {key}")
        if libc.semget(key, 0, 0) >= 0:
            breaches.append(f"semaphore {key}")
    rows = open("/proc/sysvipc/shm").read().splitlines()[1:]
    return {"breaches": breaches + rows}

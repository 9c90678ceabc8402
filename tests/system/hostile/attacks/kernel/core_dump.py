# Leaves a dump of its memory on the machine.
# expect: denied
import os
import resource
import signal
import subprocess


def main(args):
    breaches = []
    try:
        resource.setrlimit(resource.RLIMIT_CORE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        breaches.append("dumps can be switched on")
    except (OSError, ValueError):
        pass
    child = os.fork()
    if child == 0:
        os.kill(os.getpid(), signal.SIGSEGV)
    _pid, status = os.waitpid(child, 0)
    if os.WCOREDUMP(status):
        breaches.append("dumped")
    return {"breaches": breaches}

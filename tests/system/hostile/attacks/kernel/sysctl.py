# Changes settings of the kernel.
# expect: denied
def main(args):
    breaches = []
    for name in (
        "kernel/core_pattern",
        "kernel/modprobe",
        "kernel/hostname",
        "net/ipv4/ip_forward",
        "vm/overcommit_memory",
        "kernel/sysrq",
        "fs/protected_symlinks",
        "net/ipv4/ping_group_range",
    ):
        try:
            with open(f"/proc/sys/{name}", "r+") as file:
                file.write("1")
            breaches.append(name)
        except OSError:
            pass
    try:
        open("/proc/sysrq-trigger", "w").write("c")
        breaches.append("sysrq")
    except OSError:
        pass
    return {"breaches": breaches}

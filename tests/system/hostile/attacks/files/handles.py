# Opens files by handles, past all paths and mounts.
# expect: denied
import ctypes
import errno

libc = ctypes.CDLL(None, use_errno=True)


def main(args):
    handle = ctypes.create_string_buffer(b"\x08\0\0\0\x01\0\0\0" + b"\x02" + bytes(7))
    fd = libc.open_by_handle_at(-100, handle, 0)
    error = ctypes.get_errno()
    return {"breaches": [f"opened {fd}"] if fd >= 0 or error != errno.EPERM else []}

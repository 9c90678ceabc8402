# Types into the terminal of the server.
# expect: denied
import fcntl
import os
import termios


def main(args):
    breaches = []
    for path in ("/dev/tty", "/dev/console", "/dev/tty0", "/dev/tty1"):
        try:
            fd = os.open(path, os.O_RDWR)
            fcntl.ioctl(fd, termios.TIOCSTI, b"x")
            breaches.append(path)
        except OSError:
            pass
    ours, theirs = os.openpty()
    try:
        fcntl.ioctl(theirs, termios.TIOCSTI, b"x")
        breaches.append("TIOCSTI")
    except OSError:
        pass
    return {"breaches": breaches}

"""Finds the function to call, in source text or in an unpacked archive, and calls it."""

import builtins
import os
import sys

MODULE = "main__"
ENTRY_FILE = "__main__.py"


class NoBinaryError(Exception):
    """The code cannot be compiled, or lacks its entry file; the message is for the action's log."""


class Source:
    """Shows the action's text to tracebacks, for source that is in no file."""

    def __init__(self, text):
        self._text = text

    def get_source(self, name):  # noqa: ARG002  # the loader protocol
        return self._text


def load(value):
    """Return the entry function of an /init value.

    Raises:
        NoBinaryError: see there.
        BaseException: what the code threw while it was imported.
    """
    directory = value.get("directory") or value.get("working_directory") or os.getcwd()
    os.chdir(directory)
    prepare_paths(directory)
    path = os.path.join(directory, ENTRY_FILE)
    text = read(path) if value.get("directory") else value["code"]
    code = compiled(text, path)
    if value.get("directory"):
        activate_virtualenv(os.path.join(directory, "virtualenv"))
    module = type(sys)(MODULE)
    module.__file__ = path
    module.__loader__ = Source(text)
    sys.modules[MODULE] = module
    exec(code, module.__dict__)
    return entry_of(module, value.get("main") or "main")


def entry_of(module, name):
    """`main` may be dotted: a method of an object in the module."""
    found = module
    for part in name.split("."):
        found = getattr(found, part)
    if not callable(found):
        raise TypeError("'%s' is not callable" % name)
    return found


def read(path):
    try:
        with open(path, encoding="utf-8") as file:
            return file.read()
    except FileNotFoundError:
        raise NoBinaryError("Zip file does not include %s." % ENTRY_FILE) from None
    except UnicodeDecodeError as error:
        raise NoBinaryError("%s is not UTF-8: %s" % (ENTRY_FILE, error)) from None


def compiled(text, path):
    try:
        return compile(text, path, "exec", dont_inherit=True)
    except (SyntaxError, ValueError) as error:
        import traceback

        raise NoBinaryError("".join(traceback.format_exception_only(type(error), error)).rstrip()) from None


def prepare_paths(directory):
    """Put the action's directory where ours was, and do what the skipped `site` module would have done."""
    sys.path[0] = directory
    version = "python%d.%d" % sys.version_info[:2]
    packages = os.path.join(sys.prefix, "lib", version, "site-packages")
    for folder in (packages, "/usr/lib/python3/dist-packages" if sys.prefix == "/usr" else ""):
        if folder and folder not in sys.path and os.path.isdir(folder):
            sys.path.append(folder)
    if not hasattr(builtins, "exit"):
        builtins.exit = builtins.quit = sys.exit


def activate_virtualenv(folder):
    if not os.path.isdir(folder):
        return
    for script in ("bin/activate_this.py", "Scripts/activate_this.py"):
        path = os.path.join(folder, script)
        if os.path.isfile(path):
            with open(path, encoding="utf-8") as file:
                exec(compile(file.read(), path, "exec"), {"__file__": path, "__name__": "__main__"})
            return
    sys.stderr.write("Invalid virtualenv. Zip file does not include 'activate_this.py'.\n")
    raise SystemExit(1)


def call(entry, value):
    """Call the action; an awaitable result is awaited."""
    result = entry(value)
    return run_async(result) if hasattr(result, "__await__") else result


def run_async(awaitable):
    import asyncio

    async def waiting():
        return await awaitable

    if hasattr(asyncio, "run"):
        return asyncio.run(waiting())
    loop = asyncio.new_event_loop()
    try:
        return loop.run_until_complete(waiting())
    finally:
        loop.close()

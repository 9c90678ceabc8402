"""What the runtime answers to /init and /run: the states of one action in one process.

Texts and statuses are those of OpenWhisk's Python runtime, for people and clients compare them.
"""

import json
import os
import sys

from ioruntime_proxy import action


class Answer:
    """Status and JSON body; after the `last` one the process ends."""

    def __init__(self, status, body, last=False):
        self.status = status
        self.body = body
        self.last = last


def failure(status, error, last=False):
    return Answer(status, to_json({"error": error}), last)


def to_json(value):
    """UTF-8, unescaped; a lone surrogate, which no valid UTF-8 or JSON has, becomes `?`."""
    return json.dumps(value, ensure_ascii=False).encode("utf-8", "replace")


BUSY = failure(403, "System not ready, status is running.")
EXITED = failure(400, "command exited", last=True)


class Service:
    """One action's life: initialised once, then run many times."""

    def __init__(self):
        self.concurrent = False
        self._entry = None
        self._logs = None

    def handle(self, path, body):
        """Answer a request; everything the action wrote is flushed before this returns."""
        try:
            request = json.loads(body.decode())
        except (ValueError, RecursionError):
            return failure(500, "Bad request.")
        if path not in (b"/init", b"/run") or not isinstance(request, dict):
            return failure(500, "Bad request.")
        try:
            return self._init(request.get("value") or {}) if path == b"/init" else self._run(request)
        finally:
            flush()

    def _init(self, value):
        if self._entry is not None:
            return failure(403, "Cannot initialize the action more than once.")
        if not (value.get("code") or value.get("directory")):
            return failure(403, "Missing main/no code to execute.")
        export_init(value.get("env") or {})
        if value.get("concurrent") is True:
            self._attribute_logs()
        try:
            self._entry = action.load(value)
        except action.NoBinaryError as error:
            sys.stderr.write("%s\n" % error)
            return failure(502, "The action failed to generate or locate a binary. See logs for details.")
        except BaseException as error:
            report(error)
            return failure(502, "Cannot start action. Check logs for details.")
        self.concurrent = self._logs is not None
        return Answer(200, b'{"ok":true}')

    def _attribute_logs(self):
        from ioruntime_proxy import logs

        logs.install()
        self._logs = logs

    def _run(self, request):
        if self._entry is None:
            return failure(500, "no action defined yet")
        value = request.get("value")
        value = {} if value is None else value
        if not isinstance(value, (dict, list)):
            return failure(403, 'The argument must be an object but has type "%s".' % type(value).__name__)
        export_run(request)
        if self._logs is None:
            return self._call(value)
        with self._logs.during(str(request.get("activation_id"))):
            return self._call(value)

    def _call(self, value):
        """An exception is the application's error; leaving the process, or a result that is not JSON, the developer's."""
        try:
            result = action.call(self._entry, value)
        except Exception as error:
            report(error)
            return Answer(200, to_json({"error": str(error)}))
        except BaseException as error:
            report(error)
            return EXITED
        try:
            body = to_json(result)
        except Exception as error:
            report(error)
            return EXITED
        if body[:1] in (b"{", b"[") or body == b"null":
            return Answer(200, body)
        return failure(502, "The action did not return a dictionary or array.")


def report(error):
    """Write a traceback that begins at the action's own code; leaving on purpose has none."""
    if isinstance(error, SystemExit):
        return
    import traceback

    trace = error.__traceback__
    here = os.path.dirname(__file__)
    while trace is not None and trace.tb_frame.f_code.co_filename.startswith(here):
        trace = trace.tb_next
    try:  # noqa: SIM105  # contextlib costs a millisecond of the start
        traceback.print_exception(type(error), error, trace)
    except Exception:
        pass  # the action replaced or closed its standard error


def flush():
    for stream in (sys.stdout, sys.stderr):
        try:  # noqa: SIM105  # as above
            stream.flush()
        except Exception:
            pass  # the action replaced or closed it


def export_init(env):
    for key, value in env.items():
        export(key, value if isinstance(value, str) else json.dumps(value))


def export_run(request):
    for key, value in request.items():
        if key != "value" and isinstance(value, str):
            export("__OW_" + key.upper(), value)


def export(key, value):
    try:  # noqa: SIM105  # as above
        os.environ[key] = value
    except (ValueError, OSError):
        pass  # no environment can hold it: a zero byte, or a name with `=`

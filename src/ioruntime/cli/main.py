"""The command line: `ioruntime COMMAND`. Commands import what they need when they run, so that help is quick."""

import os
import sys
from collections.abc import Sequence

from cyclopts import App, CycloptsError

from ioruntime.cli import backup, cluster, doctor, event, limits, migrate, namespace, runtimes, secrets, serve, token, version
from ioruntime.cli.project import deploy, dev, init
from ioruntime.cli.remote import action, activation, invoke, package, rule, trigger
from ioruntime.cli.usage import UsageError
from ioruntime.model.errors import IoRuntimeError

DONE, REFUSED, WRONG_USAGE = 0, 1, 2

app = App(
    name="ioruntime",
    help="A serverless platform of your own, with the APIs of OpenWhisk and Adobe I/O Runtime.",
    help_format="plaintext",
    version=version.installed,
)
app.command(serve.serve)
app.command(doctor.doctor)
app.command(namespace.app)
app.command(limits.app)
app.command(token.token)
app.command(runtimes.app)
app.command(event.app)
app.command(migrate.migrate)
app.command(backup.backup)
app.command(backup.restore)
app.command(secrets.app)
app.command(init.init)
app.command(dev.dev)
app.command(deploy.deploy)
app.command(deploy.undeploy)
app.command(init.open_, name="open")
app.command(action.app)
app.command(invoke.invoke)
app.command(package.app)
app.command(trigger.app)
app.command(rule.app)
app.command(activation.app)
app.command(activation.logs)
app.command(cluster.app)
app.command(cluster.invoker)
app.command(version.version)
app.register_install_completion_command(help="Install completion for the shell in use.", help_flags=[])  # pyright: ignore[reportUnknownMemberType] - cyclopts leaves **kwargs untyped


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; return the exit code: 0 done, 1 refused or not possible, 2 wrong usage.

    What went wrong is one sentence on standard error. With IORUNTIME_LOG__LEVEL=debug, a defect shows its traceback.

    Args:
        arguments: without the program's name; None reads the process's own.
    """
    try:
        result = app(
            sys.argv[1:] if arguments is None else list(arguments),
            exit_on_error=False,
            print_error=False,
            result_action="return_value",
        )
    except (CycloptsError, UsageError) as error:
        return _fail(error, WRONG_USAGE)
    except BrokenPipeError:
        # Who read our output has seen enough; keep the interpreter from flushing the rest at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return REFUSED
    except (IoRuntimeError, OSError) as error:
        return _fail(error, REFUSED)
    except Exception as error:  # the process boundary: the person who typed the command sees it
        if os.environ.get("IORUNTIME_LOG__LEVEL") == "debug":
            raise
        return _fail(f"unexpected {type(error).__name__}: {error}", REFUSED)
    return result if isinstance(result, int) else DONE


def _fail(error: Exception | str, code: int) -> int:
    text = " ".join(str(error).split())
    print(f"ioruntime: {text}", file=sys.stderr)
    return code

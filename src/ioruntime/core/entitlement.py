"""Who may do what to whose things (pure; OpenWhisk API contract, section 17).

Own namespace: everything. Elsewhere: reading and invoking what a published package holds. The refusal does not tell
whether the thing exists.
"""

from ioruntime.model.errors import ForbiddenError
from ioruntime.model.identity import Identity
from ioruntime.model.names import EntityPath
from ioruntime.model.package import Package


def check_own(identity: Identity, path: EntityPath) -> None:
    """Let pass what lies in the caller's namespace.

    Raises:
        ForbiddenError: it lies elsewhere.
    """
    if path.namespace != identity.name:
        raise ForbiddenError.to(str(path))


def check_namespace(identity: Identity, namespace: str) -> None:
    """Let pass the caller's own namespace as a whole.

    Raises:
        ForbiddenError: it is another one.
    """
    if namespace != identity.name:
        raise ForbiddenError.to(namespace)


def check_readable(identity: Identity, path: EntityPath, package: Package | None) -> None:
    """Let pass reading or invoking `path`, which lives in `package` (or in none).

    Raises:
        ForbiddenError: it lies elsewhere and the package is not published.
    """
    if path.namespace != identity.name and (package is None or not package.publish):
        raise ForbiddenError.to(str(path))

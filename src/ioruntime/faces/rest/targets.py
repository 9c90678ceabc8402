"""Which thing a request's path names. `ns%2Fpkg` as the namespace is what one client sends for `ns` and a package."""

from ioruntime.faces.http.call import Call
from ioruntime.model.identity import Identity
from ioruntime.model.names import OWN_NAMESPACE, EntityPath, check_namespace_name


def namespace_of(call: Call, identity: Identity) -> str:
    """Return the namespace of the path; `_` is the caller's own.

    Raises:
        InvalidError: it is no legal name.
    """
    return _named(call.params["ns"], identity)


def entity_path(call: Call, identity: Identity) -> EntityPath:
    """Return the path of a trigger or rule.

    Raises:
        InvalidError: a segment is no legal name.
    """
    return EntityPath.of(namespace_of(call, identity), call.params["name"])


def package_path(call: Call, identity: Identity) -> EntityPath:
    """Return the path of a package.

    Raises:
        InvalidError: a segment is no legal name.
    """
    return EntityPath.of(namespace_of(call, identity), call.params["package"])


def action_path(call: Call, identity: Identity) -> EntityPath:
    """Return the path of an action, in a package or not.

    Raises:
        InvalidError: a segment is no legal name, or there are two packages.
    """
    namespace, slash, prefix = call.params["ns"].partition("/")
    package = call.params.get("package")
    segments = [call.params["name"]] if package is None else [package, call.params["name"]]
    return EntityPath.of(_named(namespace, identity), *([prefix] if slash else []), *segments)


def _named(namespace: str, identity: Identity) -> str:
    return identity.name if namespace == OWN_NAMESPACE else check_namespace_name(namespace)

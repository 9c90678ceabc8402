"""The body of `/init` (action proxy protocol, section 1.1)."""

from typing import Any

import msgspec

from ioruntime.model.exec import CodeExec, ImageExec
from ioruntime.ports.bus import InvocationRequest

_ENCODER = msgspec.json.Encoder()


def init_payload(
    request: InvocationRequest, exec_: CodeExec | ImageExec, *, source: str | None, directory: str | None, now_ms: int
) -> bytes:
    """Encode `/init`: code as the runtime takes it, or the directory inside where the platform unpacked the archive."""
    action = request.action
    value: dict[str, Any] = {
        "name": action.path.name,
        "main": exec_.main or "main",
        "code": source or "",
        "binary": exec_.binary,
        "env": _environment(request, now_ms),
        "concurrent": action.limits.concurrency > 1,
    }
    if directory is not None:
        value["directory"] = directory
    return _ENCODER.encode({"value": value})


def _environment(request: InvocationRequest, now_ms: int) -> dict[str, str]:
    environment = {
        **request.environment,
        "__OW_NAMESPACE": request.namespace,
        "__OW_ACTION_NAME": f"/{request.action.path}",
        "__OW_ACTION_VERSION": request.action.version,
        "__OW_ACTIVATION_ID": request.activation_id,
        "__OW_TRANSACTION_ID": request.transaction_id,
        "__OW_DEADLINE": str(now_ms + request.action.limits.timeout_ms),
    }
    if request.api_key is not None:
        environment["__OW_API_KEY"] = request.api_key
    return environment

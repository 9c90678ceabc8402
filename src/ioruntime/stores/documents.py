"""How the model's values are written to disk: JSON, read back with their types checked."""

from typing import Any, TypeVar

import msgspec

from ioruntime.model.activation import EMPTY_OBJECT, Activation
from ioruntime.model.errors import CorruptError
from ioruntime.model.event import Trace
from ioruntime.ports.bus import InvocationRequest
from ioruntime.ports.entities import Entity

T = TypeVar("T")


class Detail(msgspec.Struct, frozen=True):
    """What may be large in an activation."""

    result: msgspec.Raw
    logs: tuple[str, ...]


def summary_of(activation: Activation) -> Activation:
    """Leave out what may be large."""
    return msgspec.structs.replace(activation, result=EMPTY_OBJECT, logs=())


def split_activation(activation: Activation) -> tuple[bytes, bytes]:
    """Write the summary and the detail apart."""
    return _encode(summary_of(activation)), _encode(Detail(activation.result, activation.logs))


def join_activation(summary: bytes, detail: bytes) -> Activation:
    """Undo `split_activation`.

    Raises:
        CorruptError: what is stored is no activation.
    """
    parts = _read(_DETAIL, detail)
    return msgspec.structs.replace(read_summary(summary), result=parts.result, logs=parts.logs)


def read_summary(document: bytes) -> Activation:
    return _read(_ACTIVATION, document)


def write_entity(entity: Entity) -> bytes:
    return _encode(entity)


def read_entity(document: bytes) -> Entity:
    return _read(_ENTITY, document)


def write_request(request: InvocationRequest) -> bytes:
    return _encode(request)


def read_request(document: bytes) -> InvocationRequest:
    return _read(_REQUEST, document)


def write_trace(trace: Trace) -> bytes:
    return _encode(trace)


def read_trace(document: bytes) -> Trace:
    return _read(_TRACE, document)


def read_overrides(document: bytes) -> dict[str, Any]:
    return _read(_OVERRIDES, document)


def _read(decoder: msgspec.json.Decoder[T], document: bytes) -> T:
    try:
        return decoder.decode(document)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise CorruptError from error


_encode = msgspec.json.Encoder().encode
_ACTIVATION = msgspec.json.Decoder(Activation)
_DETAIL = msgspec.json.Decoder(Detail)
_ENTITY: msgspec.json.Decoder[Entity] = msgspec.json.Decoder(Entity)
_REQUEST = msgspec.json.Decoder(InvocationRequest)
_TRACE = msgspec.json.Decoder(Trace)
_OVERRIDES = msgspec.json.Decoder(dict[str, Any])

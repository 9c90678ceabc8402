"""`ioruntime invoke`: run an action and see what came of it."""

import sys
from typing import Annotated, Any

from cyclopts import Parameter

from ioruntime.cli.output import print_json
from ioruntime.cli.remote import entities
from ioruntime.cli.remote.entities import Name
from ioruntime.cli.remote.reach import NEAREST, Reach
from ioruntime.cli.remote.values import NOTHING, Given
from ioruntime.cli.usage import Json

DONE, FAILED = 0, 1
_BAD_GATEWAY = 502


def invoke(
    name: Name,
    /,
    *,
    given: Given = NOTHING,
    result: Annotated[bool, Parameter(negative="", help="Print nothing but the result.")] = False,
    no_wait: Annotated[bool, Parameter(negative="", help="Start it and print the activation's id.")] = False,
    json: Json = False,
    reach: Reach = NEAREST,
) -> int:
    """Invoke an action, wait for its end and print result and id; exit code 1 if the action failed."""
    target, payload = entities.path("actions", name), given.values()
    with reach.open() as api:
        answer = api.exchange("POST", target, payload, query={"blocking": str(not no_wait).lower()})
        content = answer.json()
        if answer.status >= 400 and not _is_activation(answer.status, content):
            raise api.refusal(answer)
    if "response" not in content:
        return _started(content, waited=not no_wait, json=json)
    return _ended(content, only_result=result, json=json)


def _is_activation(status: int, content: Any) -> bool:
    """An action that failed answers with its record, and a status that says so."""
    return status == _BAD_GATEWAY and isinstance(content, dict) and "response" in content


def _started(content: Any, *, waited: bool, json: bool) -> int:
    if json:
        print_json(content)
    else:
        print(content["activationId"])
        if waited:
            _aside(f"It still runs; its end: ioruntime activation get {content['activationId']}")
    return DONE


def _ended(activation: Any, *, only_result: bool, json: bool) -> int:
    response = activation["response"]
    success = bool(response["success"])
    if json and not only_result:
        print_json(activation)
    else:
        print_json(response.get("result"))
        if not (only_result and success):
            _aside(f"{response['status']} after {activation.get('duration', 0)} ms, activation {activation['activationId']}")
    return DONE if success else FAILED


def _aside(text: str) -> None:
    """Say something to the person beside the data."""
    print(text, file=sys.stderr)

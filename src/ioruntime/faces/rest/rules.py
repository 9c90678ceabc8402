"""Rules over HTTP: create, update, read, delete, list, switch on and off."""

from collections.abc import Sequence

from ioruntime.core.entitlement import check_namespace, check_own
from ioruntime.core.rules import RulePut
from ioruntime.faces.http.call import Call, Reply
from ioruntime.faces.http.operation import Operation, QueryParameter
from ioruntime.faces.http.paging import flag, read_page
from ioruntime.faces.rest.documents_triggers import RuleDocument, RuleRow, RuleStatusPut, rule_document, rule_row
from ioruntime.faces.rest.services import Identify, RestServices
from ioruntime.faces.rest.targets import entity_path, namespace_of
from ioruntime.model.errors import MalformedBodyError


class RuleHandlers:
    """Handlers of the `rules` collection."""

    def __init__(self, services: RestServices, identify: Identify) -> None:
        self._identify = identify
        self._rules = services.rules
        self._limits = services.limits

    async def list_rules(self, call: Call) -> Reply:
        """List the rules of the namespace, newest first."""
        identity = await self._identify(call)
        namespace = namespace_of(call, identity)
        check_namespace(identity, namespace)
        page = read_page(call, "rules", self._limits)
        if page.count:
            return Reply.json({"rules": max(0, await self._rules.count(identity, namespace) - page.skip)})
        rules = await self._rules.list(identity, namespace, skip=page.skip, limit=page.limit)
        return Reply.json([rule_row(rule) for rule in rules])

    async def put_rule(self, call: Call) -> Reply:
        """Create a rule, or update it with `overwrite=true`."""
        identity = await self._identify(call)
        path = entity_path(call, identity)
        check_own(identity, path)
        overwrite = flag(call, "overwrite")
        put: RulePut = await call.json(RulePut)
        return Reply.json(rule_document(await self._rules.put(identity, path, put, overwrite=overwrite)))

    async def get_rule(self, call: Call) -> Reply:
        """Read a rule, with its status."""
        identity = await self._identify(call)
        return Reply.json(rule_document(await self._rules.read(identity, entity_path(call, identity))))

    async def delete_rule(self, call: Call) -> Reply:
        """Delete a rule and show what it was."""
        identity = await self._identify(call)
        return Reply.json(rule_document(await self._rules.delete(identity, entity_path(call, identity))))

    async def set_rule_status(self, call: Call) -> Reply:
        """Switch a rule on or off."""
        identity = await self._identify(call)
        path = entity_path(call, identity)
        check_own(identity, path)
        if call.header(b"content-length") in {None, "0"} and call.header(b"transfer-encoding") is None:
            raise MalformedBodyError("The status of the rule is missing.")
        put: RuleStatusPut = await call.json(RuleStatusPut)
        await self._rules.set_status(identity, path, put.status)
        return Reply.empty(200)


def rule_rows(at: str, rules: RuleHandlers, paging: Sequence[QueryParameter]) -> tuple[Operation, ...]:
    """Rows of the collection at this path."""
    one, gone = f"{at}/{{name}}", (404, 409)
    rows = (list[RuleRow], dict[str, int])
    overwrite = QueryParameter("overwrite", {"type": "boolean", "default": False})
    return (
        Operation(method="GET", path=f"{at}[/]", handler=rules.list_rules, answer=rows, query=tuple(paging)),
        Operation(
            method="PUT",
            path=one,
            handler=rules.put_rule,
            body=RulePut,
            query=(overwrite,),
            answer=RuleDocument,
            other_statuses=gone,
        ),
        Operation(method="GET", path=one, handler=rules.get_rule, answer=RuleDocument, other_statuses=gone),
        Operation(method="DELETE", path=one, handler=rules.delete_rule, answer=RuleDocument, other_statuses=gone),
        Operation(method="POST", path=one, handler=rules.set_rule_status, body=RuleStatusPut, other_statuses=gone),
    )

"""One action: its code and a test beside it, its settings, its end."""

from typing import Any

import msgspec

from ioruntime.core.catalog import ActionPut, ExecPut, LimitsPut
from ioruntime.core.invocation import Accepted
from ioruntime.faces.console.pages import pairs
from ioruntime.faces.console.pages.actions import SEQUENCE, read_components
from ioruntime.faces.console.pages.logs import lines_of
from ioruntime.faces.console.pages.samples import language
from ioruntime.faces.console.pages.targets import action_of, home, page_of
from ioruntime.faces.console.pages.timing import is_cold, parts_of, total_ms
from ioruntime.faces.console.render import HTML, Renderer, see_other
from ioruntime.faces.console.services import ConsoleServices
from ioruntime.faces.console.visit import Door, Visit
from ioruntime.faces.http.call import Call, Reply
from ioruntime.faces.http.origin import origin
from ioruntime.model.action import Action
from ioruntime.model.activation import Activation
from ioruntime.model.errors import ConflictError, IoRuntimeError
from ioruntime.model.exec import CodeExec, SequenceExec
from ioruntime.model.limits import effective
from ioruntime.model.names import DEFAULT_PACKAGE
from ioruntime.model.params import read_arguments

_EDITED_BYTES_MOST = 1024 * 1024
"""Longer code is not put into a page."""


class ActionPages:
    """The pages of one action."""

    def __init__(self, services: ConsoleServices, door: Door, renderer: Renderer) -> None:
        self._services = services
        self._catalog = services.catalog
        self._door = door
        self._renderer = renderer

    async def show_action(self, call: Call) -> Reply:
        """Show an action's code with a test beside it."""
        visit = await self._door.visit(call)
        return await self._show(visit)

    async def save_code(self, call: Call) -> Reply:
        """Save code, kind and entry function as a new version."""
        visit = await self._door.submit(call)
        before = await self._unchanged(visit)
        if isinstance(before.exec, SequenceExec):
            exec_ = ExecPut(kind=SEQUENCE, components=read_components(visit.form))
        else:
            exec_ = ExecPut(kind=visit.form.text("kind"), code=visit.form.text("code"), main=visit.form.text("main") or None)
        action = await self._catalog.put(visit.identity, before.path, ActionPut(exec=exec_), overwrite=True)
        if not visit.is_partial:
            return see_other(page_of(action.path))
        return Reply(200, self._renderer.part("parts/saved.html", action=action).encode(), HTML)

    async def show_settings(self, call: Call) -> Reply:
        """Show an action's limits, parameters, annotations and its place in the web."""
        visit = await self._door.visit(call)
        return await self._ask_settings(visit, await self._catalog.read(visit.identity, action_of(visit), merged=False))

    async def save_settings(self, call: Call) -> Reply:
        """Save limits, parameters and annotations as a new version."""
        visit = await self._door.submit(call)
        before = await self._unchanged(visit)
        try:
            await self._catalog.put(visit.identity, before.path, _settings_put(visit, before), overwrite=True)
        except IoRuntimeError as error:
            return await self._ask_settings(visit, before, refusal=str(error))
        return see_other(f"{page_of(before.path)}/settings?saved=1")

    async def ask_delete(self, call: Call) -> Reply:
        """Ask whether an action is really to be deleted."""
        visit = await self._door.visit(call)
        action = await self._catalog.read(visit.identity, action_of(visit), merged=False)
        page = page_of(action.path)
        return self._renderer.page(
            visit,
            "confirm.html",
            place="actions",
            title=f"Delete the action {action.path.key}?",
            text="Its code, parameters and settings are lost. What it recorded stays until its time is over.",
            button="Delete",
            target=f"{page}/delete",
            back=page,
        )

    async def delete_action(self, call: Call) -> Reply:
        """Delete an action."""
        visit = await self._door.submit(call)
        await self._catalog.delete(visit.identity, action_of(visit))
        return see_other(f"{home(visit.namespace)}/actions")

    async def invoke_action(self, call: Call) -> Reply:
        """Invoke an action and show result, log and timing."""
        visit = await self._door.submit(call)
        shown = await self._invoke(visit)
        if visit.is_partial:
            return Reply(200, self._renderer.part("parts/outcome.html", base=home(visit.namespace), **shown).encode(), HTML)
        return await self._show(visit, shown, visit.form.text("payload"))

    async def _invoke(self, visit: Visit) -> dict[str, Any]:
        services = self._services
        try:
            payload = read_arguments(visit.form.text("payload").strip().encode())
            resolved = await services.resolver.runnable(visit.identity, action_of(visit))
            outcome = await services.invocations.invoke(
                visit.identity,
                resolved,
                payload,
                transaction_id=visit.call.transaction_id,
                wait_ms=services.limits.blocking_wait_ms,
            )
        except IoRuntimeError as error:
            return {"refusal": str(error), "activation": None, "accepted": None}
        if isinstance(outcome, Accepted):
            return {"refusal": None, "activation": None, "accepted": outcome.activation_id}
        return {"refusal": None, "accepted": None, "activation": outcome} | outcome_values(outcome)

    async def _show(self, visit: Visit, outcome: dict[str, Any] | None = None, payload: str = "{}") -> Reply:
        action = await self._catalog.read(visit.identity, action_of(visit), merged=False)
        return self._renderer.page(
            visit,
            "action.html",
            place="actions",
            tab="code",
            action=action,
            page=page_of(action.path),
            web_url=self._web_url(visit, action),
            code=await self._code(action),
            language=language(action.exec.kind),
            kinds=list(self._services.kinds.listed()),
            payload=payload,
            outcome=outcome,
        )

    async def _ask_settings(self, visit: Visit, action: Action, refusal: str | None = None) -> Reply:
        web = pairs.web_of(action.annotations)
        return self._renderer.page(
            visit,
            "action_settings.html",
            status=200 if refusal is None else 422,
            place="actions",
            tab="settings",
            action=action,
            page=page_of(action.path),
            web_url=self._web_url(visit, action),
            web=web,
            bounds=effective(self._services.limits, visit.identity.namespace.overrides),
            parameters=pairs.parameter_rows(action.parameters),
            annotations=pairs.annotation_rows(action.annotations),
            is_sequence=isinstance(action.exec, SequenceExec),
            refusal=refusal,
            saved=visit.call.query.get("saved") == "1",
        )

    async def _unchanged(self, visit: Visit) -> Action:
        """Return the action as it is, when it is as the form's reader saw it.

        Raises:
            ConflictError: somebody saved another version meanwhile.
        """
        action = await self._catalog.read(visit.identity, action_of(visit), merged=False)
        if visit.form.text("version") != action.version:
            raise ConflictError(
                f"Version {action.version} was saved meanwhile. Copy your changes, reload the page and put them in."
            )
        return action

    async def _code(self, action: Action) -> str | None:
        """Return the text to edit; None for what is no text, or too much."""
        match action.exec:
            case CodeExec(binary=False, code=reference) if reference.size_bytes <= _EDITED_BYTES_MOST:
                return await self._catalog.code(action)
            case _:
                return None

    def _web_url(self, visit: Visit, action: Action) -> str | None:
        if pairs.web_of(action.annotations) == "no":
            return None
        path = action.path
        host = self._services.base_url or origin(visit.call)
        return f"{host}/api/v1/web/{path.namespace}/{path.package or DEFAULT_PACKAGE}/{path.name}"


def outcome_values(activation: Activation) -> dict[str, Any]:
    """Return what the part about an outcome shows beside the record."""
    return {
        "parts": parts_of(activation),
        "cold": is_cold(activation),
        "total": total_ms(activation),
        "lines": list(lines_of(activation.logs)),
    }


def _settings_put(visit: Visit, before: Action) -> ActionPut:
    form = visit.form
    annotations = pairs.read_annotations(form)
    return ActionPut(
        parameters=msgspec.UNSET if isinstance(before.exec, SequenceExec) else pairs.read_parameters(form),
        annotations=annotations,
        del_annotations=pairs.dropped(before.annotations, annotations),
        limits=LimitsPut(
            timeout=form.whole("timeout", "The timeout"),
            memory=form.whole("memory", "The memory"),
            logs=form.whole("logs", "The log size"),
            concurrency=form.whole("concurrency", "The concurrency"),
        ),
    )

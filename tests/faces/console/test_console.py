"""The console without a browser: sessions, forged forms, what pages may load, and where refusals lead."""

import re
from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import pytest

from ioruntime.app.settings import ConsoleSettings, InvokerSettings, Settings, SettingsError
from ioruntime.app.wiring import open_platform
from ioruntime.testing.asgi import AsgiClient, AsgiResponse

pytestmark = pytest.mark.anyio
AUTH = "11111111-1111-1111-1111-111111111111:" + "g" * 64
FORM = {"content-type": "application/x-www-form-urlencoded"}
HOME = "/console/ns/guest"


class Reader:
    """A browser as far as these tests need one: it keeps cookies and fills forms."""

    def __init__(self, client: AsgiClient) -> None:
        self._client = client
        self.cookies: dict[str, str] = {}

    async def get(self, target: str, **headers: str) -> AsgiResponse:
        return self._kept(await self._client.request("GET", target, headers=headers | self._cookie()))

    async def post(self, target: str, body: str, **headers: str) -> AsgiResponse:
        return self._kept(await self._client.request("POST", target, headers=FORM | headers | self._cookie(), body=body.encode()))

    async def token(self, target: str) -> str:
        """Return what the forms of a page are signed with."""
        found = re.search(rb'name="csrf" value="([0-9a-f]+)"', (await self.get(target)).body)
        assert found is not None
        return found[1].decode()

    async def sign_in(self, credential: str = AUTH, back: str = "") -> AsgiResponse:
        token = await self.token("/console/signin")
        return await self.post("/console/signin", f"csrf={token}&credential={credential}&back={back}")

    def _cookie(self) -> dict[str, str]:
        return {"cookie": "; ".join(f"{name}={value}" for name, value in self.cookies.items())}

    def _kept(self, answer: AsgiResponse) -> AsgiResponse:
        if "set-cookie" in answer.headers:
            name, _, value = answer.headers["set-cookie"].partition(";")[0].partition("=")
            self.cookies[name] = value
        return answer


@pytest.fixture
async def client(tmp_path: Path) -> AsyncIterator[AsgiClient]:
    settings = Settings(data_dir=tmp_path / "data", guest_auth=AUTH, invoker=InvokerSettings(driver="process", prewarm=0))
    async with open_platform(settings, "http://localhost") as platform:
        yield AsgiClient(platform.application)


@pytest.fixture
def reader(client: AsgiClient) -> Reader:
    return Reader(client)


@pytest.fixture
def bearer(client: AsgiClient, tmp_path: Path) -> str:
    return msgspec.json.decode((tmp_path / "data" / "credentials.json").read_bytes())["bearer"]


async def test_a_session_is_a_cookie_that_scripts_and_other_sites_do_not_get(reader: Reader) -> None:
    answer = await reader.sign_in()
    assert (answer.status, answer.headers["location"]) == (303, HOME)
    cookie = answer.headers["set-cookie"]
    assert re.fullmatch(r"ioruntime_session=[\w=-]+; Path=/console; Max-Age=43200; HttpOnly; SameSite=Lax", cookie)
    assert AUTH.partition(":")[2] not in cookie
    assert (await reader.get(HOME)).status == 200


async def test_a_token_opens_a_session_too(reader: Reader, bearer: str) -> None:
    assert (await reader.sign_in(bearer)).headers["location"] == HOME
    assert (await reader.get(HOME)).status == 200


@pytest.mark.parametrize("credential", ["", "nonsense", "a:b", AUTH[:-1] + "x", ":"])
async def test_what_is_no_credential_opens_nothing(reader: Reader, credential: str) -> None:
    answer = await reader.sign_in(credential)
    assert answer.status == 401
    assert b'role="alert"' in answer.body
    assert (await reader.get(HOME)).headers["location"] == "/console/signin?back=%2Fconsole%2Fns%2Fguest"


@pytest.mark.parametrize("change", ["A{}", "", "x", "\xe9{}"])
async def test_a_cookie_that_somebody_changed_is_no_session(reader: Reader, change: str) -> None:
    await reader.sign_in()
    reader.cookies["ioruntime_session"] = change.format(reader.cookies["ioruntime_session"])
    assert (await reader.get(HOME)).status == 303


@pytest.mark.parametrize("token", ["", "0" * 64, "%C3%A9"])
async def test_a_form_of_another_site_does_nothing(reader: Reader, token: str) -> None:
    await reader.sign_in()
    answer = await reader.post(f"{HOME}/actions", f"csrf={token}&name=a&kind=nodejs%3Adefault")
    assert answer.status == 403
    assert b"No actions here" in (await reader.get(f"{HOME}/actions")).body


async def test_a_form_of_another_session_does_nothing(client: AsgiClient, reader: Reader) -> None:
    other = Reader(client)
    await other.sign_in()
    await reader.sign_in()
    answer = await reader.post(f"{HOME}/actions", f"csrf={await other.token(HOME)}&name=a&kind=nodejs%3Adefault")
    assert answer.status == 403


async def test_a_script_may_send_the_token_as_a_header(reader: Reader) -> None:
    await reader.sign_in()
    token = await reader.token(HOME)
    answer = await reader.post(f"{HOME}/actions", "name=a&kind=nodejs%3Adefault", **{"x-csrf-token": token})
    assert (answer.status, answer.headers["location"]) == (303, f"{HOME}/actions/default/a")


async def test_pages_load_nothing_but_our_files_and_run_nothing_inline(reader: Reader) -> None:
    await reader.sign_in()
    for target in ("/console/signin", HOME, f"{HOME}/actions/new", f"{HOME}/nowhere"):
        answer = await reader.get(target)
        policy = answer.headers["content-security-policy"]
        assert "unsafe" not in policy
        assert "default-src 'none'; script-src 'self';" in policy
        assert answer.headers["x-frame-options"] == "DENY"
        assert answer.headers["cache-control"] == "no-store"
        assert not re.search(
            rb'<script(?! src="/console/static/)|<style|\sstyle=|\son\w+=|https?://(?!localhost|test)', answer.body
        )


async def test_each_page_has_a_nonce_of_its_own(reader: Reader) -> None:
    nonces = [(await reader.get("/console/signin")).headers["content-security-policy"] for _ in range(2)]
    assert nonces[0] != nonces[1]


async def test_another_namespace_is_refused(reader: Reader) -> None:
    await reader.sign_in()
    assert (await reader.get("/console/ns/whisk.system")).status == 403


@pytest.mark.parametrize("back", ["//evil.example", "https://evil.example", "/console/%5C..", "/api/v1", "/console/%0d%0aX:1"])
async def test_signing_in_leads_nowhere_else(reader: Reader, back: str) -> None:
    assert (await reader.sign_in(back=back)).headers["location"] == HOME


async def test_signing_out_ends_the_session(reader: Reader) -> None:
    await reader.sign_in()
    answer = await reader.post("/console/signout", f"csrf={await reader.token(HOME)}")
    assert "Max-Age=0" in answer.headers["set-cookie"]
    assert (await reader.get(HOME)).status == 303


async def test_a_script_without_a_session_is_led_to_the_sign_in(reader: Reader) -> None:
    answer = await reader.get(HOME, **{"hx-request": "true"})
    assert (answer.status, answer.headers["hx-redirect"]) == (401, "/console/signin?back=%2Fconsole%2Fns%2Fguest")


async def test_what_somebody_else_saved_meanwhile_is_not_overwritten(reader: Reader) -> None:
    await reader.sign_in()
    token = await reader.token(HOME)
    await reader.post(f"{HOME}/actions", f"csrf={token}&name=a&kind=nodejs%3Adefault")
    body = f"csrf={token}&kind=nodejs%3A22&code=function+main()+%7B%7D&version="
    assert (await reader.post(f"{HOME}/actions/default/a/code", body + "0.0.1")).status == 303
    late = await reader.post(f"{HOME}/actions/default/a/code", body + "0.0.1")
    assert (late.status, b"Version 0.0.2 was saved meanwhile" in late.body) == (409, True)


async def test_names_and_texts_of_others_are_shown_as_text(reader: Reader, client: AsgiClient) -> None:
    await reader.sign_in()
    evil = "</textarea><script>alert(1)</script>"
    code = {"exec": {"kind": "nodejs:default", "code": evil}, "annotations": [{"key": evil, "value": evil}]}
    await client.request("PUT", "/api/v1/namespaces/_/actions/a", json=code, basic=AUTH)
    for page in ("", "/settings"):
        body = (await reader.get(f"{HOME}/actions/default/a{page}")).body
        assert b"<script>" not in body
        assert b"&lt;script&gt;" in body


async def test_files_are_packed_and_kept_by_browsers(client: AsgiClient, reader: Reader) -> None:
    page = (await reader.get("/console/signin")).body.decode()
    for target in re.findall(r'"(/console/static/[^"]+)"', page):
        plain = await client.request("GET", target)
        packed = await client.request("GET", target, headers={"accept-encoding": "gzip"})
        assert (plain.status, packed.headers["content-encoding"]) == (200, "gzip")
        assert len(packed.body) < len(plain.body)
        assert "immutable" in plain.headers["cache-control"]
    assert (await client.request("GET", "/console/static/..%2Froutes.py")).status == 404


async def test_the_console_can_be_left_out_and_its_key_named(tmp_path: Path) -> None:
    off = Settings(
        data_dir=tmp_path / "a", invoker=InvokerSettings(driver="process", prewarm=0), console=ConsoleSettings(enabled=False)
    )
    async with open_platform(off, "http://localhost") as platform:
        assert (await AsgiClient(platform.application).request("GET", "/console")).status == 404
    (tmp_path / "short").write_bytes(b"short")
    wrong = msgspec.structs.replace(off, console=ConsoleSettings(key_file=tmp_path / "short"))
    with pytest.RaisesGroup(SettingsError, flatten_subgroups=True, allow_unwrapped=True):
        async with open_platform(wrong, "http://localhost"):
            pass

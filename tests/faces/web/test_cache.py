"""Answers that are given again."""

from typing import Any

import pytest

pytestmark = pytest.mark.anyio


def result(**headers: str) -> dict[str, Any]:
    given = {"cache-control": "max-age=60"} | {name.replace("_", "-"): value for name, value in headers.items()}
    return {"statusCode": 200, "headers": given, "body": "x"}


@pytest.fixture(autouse=True)
def caching(platform: Any) -> None:
    platform.client = platform.client_for(cache=True)


async def marks(platform: Any, *targets: str, **request: Any) -> list[str]:
    return [(await platform.ask("GET", target, **request)).headers["x-gw-cache"] for target in targets]


async def test_an_answer_is_given_again_without_running_or_counting(platform: Any) -> None:
    await platform.action(result=result())
    first = await platform.ask("GET")
    platform.clock.s += 20
    second = await platform.ask("GET")
    assert (first.headers["x-gw-cache"], second.headers["x-gw-cache"]) == ("MISS", "HIT")
    assert (second.body, second.headers["age"], second.headers["access-control-allow-origin"]) == (b"x", "20", "*")
    assert (platform.runs, platform.throttle._minutes["guest"].count(platform.clock.s)) == (1, 1)
    platform.clock.s += 41
    assert (await platform.ask("GET")).headers["x-gw-cache"] == "MISS"


async def test_urls_differ_by_path_extension_and_query(platform: Any) -> None:
    await platform.action(result=result())
    base = "/guest/p/a"
    assert await marks(platform, base, f"{base}?q=1", f"{base}/x", f"{base}.text", f"{base}?q=1") == [*["MISS"] * 4, "HIT"]


async def test_answers_differ_by_the_headers_they_vary_by(platform: Any) -> None:
    await platform.action(result=result(vary="X-Language"))
    seen = [(await marks(platform, "/guest/p/a", headers={"x-language": each}))[0] for each in ("de", "en", "de")]
    assert seen == ["MISS", "MISS", "HIT"]


@pytest.mark.parametrize(
    "headers",
    [
        {"set_cookie": "a=1"},
        {"content_encoding": "gzip"},
        {"vary": "*"},
        *({"cache_control": text} for text in ("no-store, max-age=60", "private, max-age=9", "max-age=0", "max-age=x", "public")),
        {"cache_control": "max-age=60, s-maxage=0"},
    ],
)
async def test_some_answers_are_not_kept(platform: Any, headers: dict[str, str]) -> None:
    await platform.action(result=result(**headers))
    assert await marks(platform, "/guest/p/a", "/guest/p/a") == ["MISS", "MISS"]


@pytest.mark.parametrize(
    "request_",
    [{"basic": "a:b"}, {"headers": {"authorization": "Bearer x"}}, {"headers": {"x-require-whisk-auth": "x"}}, {"body": b"x"}],
)
async def test_requests_with_credentials_or_a_body_always_run(platform: Any, request_: dict[str, Any]) -> None:
    await platform.action(result=result())
    await platform.ask("GET")
    assert await marks(platform, "/guest/p/a", **request_) == ["MISS"]
    assert platform.runs == 2


async def test_only_get_is_kept(platform: Any) -> None:
    await platform.action(result=result())
    for method in ("POST", "HEAD", "POST", "HEAD"):
        assert (await platform.ask(method)).headers["x-gw-cache"] == "MISS"


async def test_what_the_client_does_not_accept_is_not_given(platform: Any) -> None:
    await platform.action(result=result())
    await platform.ask("GET")
    assert (await platform.ask("GET", headers={"accept": "image/png"})).status == 406


async def test_a_new_revision_is_asked_anew(platform: Any) -> None:
    await platform.action(result=result())
    await platform.ask("GET")
    await platform.action(result=result())
    assert await marks(platform, "/guest/p/a", "/guest/p/a") == ["MISS", "HIT"]
    await platform.action(web_export=False)
    assert (await platform.ask("GET")).status == 404


async def test_without_a_cache_there_is_no_mark(platform: Any) -> None:
    platform.client = platform.client_for(cache=False)
    await platform.action(result=result())
    for _ in range(2):
        assert "x-gw-cache" not in (await platform.ask("GET")).headers
    assert platform.runs == 2

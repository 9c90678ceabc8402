"""Changes at the same time: nobody's is lost in silence, and what runs goes on with what it began with."""

from concurrent.futures import ThreadPoolExecutor

from ioruntime.testing.server import Server, ServerClient, eventually

ACTION = "/api/v1/namespaces/_/actions/a"
SLEEPER = "const main = ({ms}) => new Promise((done) => setTimeout(() => done({version: %d}), ms))"
WRITERS = 12


def put(client: ServerClient, number: int, *, overwrite: bool) -> tuple[int, int]:
    """Write the action's n-th text; return n and the status."""
    body = {"exec": {"kind": "nodejs:default", "code": f"main = () => ({{n: {number}}})"}}
    answer = client.request("PUT", f"{ACTION}?overwrite={str(overwrite).lower()}", body)
    return number, answer.status


def _together(threads: ThreadPoolExecutor, client: ServerClient, numbers: range, *, overwrite: bool) -> list[tuple[int, int]]:
    return [each.result() for each in [threads.submit(put, client, number, overwrite=overwrite) for number in numbers]]


def test_of_many_who_create_an_action_one_does(space: ServerClient) -> None:
    with ThreadPoolExecutor(WRITERS) as threads:
        done = _together(threads, space, range(WRITERS), overwrite=False)
    assert sorted(status for _, status in done) == [200] + [409] * (WRITERS - 1)
    winner = next(number for number, status in done if status == 200)
    assert space.invoke("a").json()["response"]["result"] == {"n": winner}
    assert space.request("GET", ACTION).json()["version"] == "0.0.1"


def test_updates_at_once_are_made_one_after_the_other_or_refused(space: ServerClient) -> None:
    put(space, 0, overwrite=False)
    with ThreadPoolExecutor(WRITERS) as threads:
        done = _together(threads, space, range(1, WRITERS + 1), overwrite=True)
    assert {status for _, status in done} <= {200, 409}
    made = [number for number, status in done if status == 200]
    action = space.request("GET", ACTION).json()
    assert made
    assert action["version"] == f"0.0.{1 + len(made)}"
    result = space.invoke("a").json()["response"]["result"]
    assert result["n"] in made
    assert action["exec"]["code"] == f"main = () => ({{n: {result['n']}}})"


def test_create_and_delete_at_once_leave_the_one_or_the_other(space: ServerClient) -> None:
    with ThreadPoolExecutor(WRITERS) as threads:
        deleted = [threads.submit(space.request, "DELETE", ACTION) for _ in range(WRITERS)]
        created = [threads.submit(put, space, number, overwrite=True) for number in range(WRITERS)]
        assert {each.result().status for each in deleted} <= {200, 404, 409}
        assert {each.result()[1] for each in created} <= {200, 409}
    listed = space.request("GET", "/api/v1/namespaces/_/actions").json()
    assert space.request("GET", ACTION).status == (200 if listed else 404)
    assert space.invoke("a").status == (200 if listed else 404)


def test_an_update_leaves_what_runs_alone(space: ServerClient) -> None:
    space.put_action("a", SLEEPER % 1)
    with ThreadPoolExecutor() as threads:
        running = threads.submit(space.invoke, "a", {"ms": 700})
        eventually(lambda: in_flight(space) == 1, within_s=5)
        space.put_action("a", SLEEPER % 2, overwrite=True)
        assert space.invoke("a", {"ms": 1}).json()["response"]["result"] == {"version": 2}
        assert running.result().json()["response"]["result"] == {"version": 1}


def test_a_deleted_action_ends_what_runs_as_it_would_have(space: ServerClient) -> None:
    space.put_action("a", SLEEPER % 1)
    with ThreadPoolExecutor() as threads:
        running = threads.submit(space.invoke, "a", {"ms": 700})
        eventually(lambda: in_flight(space) == 1, within_s=5)
        assert space.request("DELETE", ACTION).status == 200
        assert space.invoke("a").status == 404
        assert running.result().json()["response"]["result"] == {"version": 1}


def test_a_namespace_is_deleted_while_its_actions_run(server: Server, space: ServerClient) -> None:
    org = space.request("GET", "/api/v1/namespaces").json()[0].removesuffix("_tests")
    path = f"/runtime/admin/namespaces/{org}/tests"
    space.put_action("a", SLEEPER % 1)
    space.put_action("quick", "main = () => ({})")
    assert space.invoke("quick").status == 200
    with ThreadPoolExecutor() as threads:
        running = threads.submit(space.invoke, "a", {"ms": 15_000})
        accepted = space.start("a", {"ms": 15_000})
        eventually(lambda: in_flight(space) == 2, within_s=5)
        assert server.operator.request("DELETE", path).status in {200, 204}
        assert space.request("GET", "/api/v1/namespaces").status == 401
        assert running.result().status >= 400
        eventually(lambda: in_flight(space) == 0, within_s=5)
    assert server.operator.request("GET", path).status == 404
    again = server.namespace(org)
    assert again.headers != space.headers
    for collection in ("actions", "packages", "activations"):
        assert again.request("GET", f"/api/v1/namespaces/_/{collection}").json() == []
    assert again.record(accepted) is None


def in_flight(client: ServerClient) -> int:
    """Count the activations of the whole server that run now."""
    lines = client.request("GET", "/metrics").body.decode().splitlines()
    return next(int(float(line.split()[1])) for line in lines if line.startswith("ioruntime_activations_in_flight "))

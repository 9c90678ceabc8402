from typing import Any


def hello(request: Any) -> dict[str, str]:
    return {"greeting": f"Hello, {request.get_json()['name']}!"}

from typing import Any


def main(params: dict[str, Any]) -> dict[str, str]:
    return {"greeting": f"Hello, {params['name']}!"}

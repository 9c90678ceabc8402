"""Greet somebody."""

import platform


def main(params):
    print("greeting", params.get("name", "nobody in particular"))
    return {"message": f"Hello, {params.get('name', 'world')}!", "python": platform.python_version()}

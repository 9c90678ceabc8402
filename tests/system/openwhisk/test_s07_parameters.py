"""Section 7: parameters and annotations."""

import pytest
from tests.system.openwhisk.conftest import Api, annotation, pairs, refused

pytestmark = pytest.mark.timeout(60)
ENVIRONMENT = """
from os import environ
def main(args): return {'env': environ.get('SECRET'), 'args': args, 'key': environ.get('__OW_API_KEY')}
"""


def test_7_1_package_binding_action_payload(api: Api) -> None:
    api.put("packages/p", {"parameters": pairs(a="package", b="package", c="package", d="package")})
    api.put("packages/bound", {"binding": {"namespace": "_", "name": "p"}, "parameters": pairs(b="binding", c="b", d="b")})
    api.action("p/a", parameters=pairs(c="action", d="action"))
    assert api.result("bound/a", {"d": "call"}) == {"a": "package", "b": "binding", "c": "action", "d": "call"}


def test_7_1_init_parameters_are_environment(api: Api) -> None:
    api.action("a", ENVIRONMENT, parameters=[{"key": "SECRET", "value": "s", "init": True}, *pairs(x=1)])
    assert api.result("a", {"y": 2}) == {"env": "s", "args": {"x": 1, "y": 2}, "key": None}
    assert api.result("a", {"SECRET": "other"})["args"] == {"x": 1}


def test_7_1_final_parameters(api: Api) -> None:
    api.action("a", parameters=pairs(fixed=1, open=None), annotations=pairs(final=True))
    assert api.result("a", {"open": 2, "new": 3}) == {"fixed": 1, "open": 2, "new": 3}
    assert refused(api.run("a", {"fixed": 2}))[0] == 400


def test_7_2_provide_api_key(api: Api) -> None:
    api.action("with", ENVIRONMENT, annotations=pairs(provide_api_key=True))
    api.action("without", ENVIRONMENT)
    assert ":" in api.result("with")["key"]
    assert api.result("without")["key"] is None


def test_7_2_feed_names_are_checked(api: Api) -> None:
    assert api.put("triggers/t", {"annotations": pairs(feed="/whisk.system/alarms/alarm")})["annotations"]
    answer = api.ask("PUT", "triggers/u", {"annotations": pairs(feed=7)})
    assert refused(answer)[0] == 400
    assert refused(answer)[1].endswith("Feed name is not valid")


def test_7_2_the_system_says_what_a_binding_is(api: Api) -> None:
    api.put("packages/p")
    bound = api.put("packages/b", {"binding": {"namespace": "_", "name": "p"}, "annotations": pairs(binding="mine")})
    assert annotation(bound, "binding") == {"namespace": api.namespace, "name": "p"}

"""Rules as a picture."""

import itertools

from ioruntime.faces.console.pages.picture import WIDTH, picture_of
from ioruntime.model.names import EntityPath
from ioruntime.model.trigger import Rule, RuleStatus


def rule(name: str, trigger: str, action: EntityPath, status: RuleStatus = RuleStatus.ACTIVE) -> Rule:
    return Rule(path=EntityPath("ns", name), trigger=EntityPath("ns", trigger), action=action, status=status)


def test_each_thing_is_one_box_and_each_rule_one_line() -> None:
    here, there = EntityPath("ns", "a", "p"), EntityPath("other", "a")
    picture = picture_of([rule("1", "t", here), rule("2", "t", there), rule("3", "u", here, RuleStatus.INACTIVE)], "ns")
    assert [box.name for box in picture.triggers] == ["t", "u"]
    assert [box.name for box in picture.actions] == ["/other/a", "p/a"]
    assert [(line.name, line.is_active) for line in picture.lines] == [("1", True), ("2", True), ("3", False)]


def test_everything_is_inside_the_picture_and_nothing_overlaps() -> None:
    picture = picture_of([rule(f"r{at}", f"t{at}", EntityPath("ns", "a" * 200)) for at in range(30)], "ns")
    for column in (picture.triggers, picture.actions):
        assert all(box.x >= 0 and box.x + box.width <= WIDTH and box.y + box.height <= picture.height for box in column)
        assert all(below.y >= above.y + above.height for above, below in itertools.pairwise(column))
    assert len(picture.actions[0].label) < 40


def test_no_rules_make_no_picture() -> None:
    assert picture_of([], "ns").lines == ()

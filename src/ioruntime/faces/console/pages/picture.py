"""Rules as a picture (pure): triggers at the left, actions at the right, a line for each rule."""

from collections.abc import Sequence

import msgspec

from ioruntime.model.trigger import Rule, RuleStatus

WIDTH = 860
_BOX_WIDTH = 300
_BOX_HEIGHT = 36
_STEP = 52
_MARGIN = 2
_LONGEST = 38
_CURVE = 110


class Box(msgspec.Struct, frozen=True):
    """A trigger or an action; pixels from the left upper corner."""

    name: str
    x: int
    y: int
    width: int = _BOX_WIDTH
    height: int = _BOX_HEIGHT

    @property
    def label(self) -> str:
        """The name, or as much of it as fits."""
        return self.name if len(self.name) <= _LONGEST else f"{self.name[: _LONGEST - 1]}…"

    @property
    def middle(self) -> int:
        return self.y + self.height // 2


class Line(msgspec.Struct, frozen=True):
    """A rule."""

    name: str
    path: str
    """What SVG's `d` holds."""
    is_active: bool


class Picture(msgspec.Struct, frozen=True):
    """Everything that is drawn."""

    triggers: tuple[Box, ...]
    actions: tuple[Box, ...]
    lines: tuple[Line, ...]
    width: int
    height: int


def picture_of(rules: Sequence[Rule], namespace: str) -> Picture:
    """Lay out rules; things of other namespaces are named in full."""
    names = [(_name(rule.trigger.namespace, rule.trigger.key, namespace), rule) for rule in rules]
    triggers = _column(sorted({name for name, _ in names}), _MARGIN)
    targets = {rule.path: _name(rule.action.namespace, rule.action.key, namespace) for rule in rules}
    actions = _column(_beside(triggers, [(name, targets[rule.path]) for name, rule in names]), WIDTH - _BOX_WIDTH - _MARGIN)
    left, right = {box.name: box for box in triggers}, {box.name: box for box in actions}
    lines = tuple(
        Line(rule.path.name, _curve(left[name], right[targets[rule.path]]), rule.status is RuleStatus.ACTIVE)
        for name, rule in names
    )
    height = max((box.y + box.height for box in (*triggers, *actions)), default=0) + _MARGIN
    return Picture(triggers, actions, lines, WIDTH, height)


def _beside(triggers: Sequence[Box], ties: Sequence[tuple[str, str]]) -> Sequence[str]:
    """Order actions by the middle of the triggers they are tied to, so that few lines cross."""
    heights = {box.name: box.y for box in triggers}
    tied: dict[str, list[int]] = {}
    for trigger, action in ties:
        tied.setdefault(action, []).append(heights[trigger])
    return sorted(tied, key=lambda action: (sum(tied[action]) / len(tied[action]), action))


def _name(owner: str, key: str, namespace: str) -> str:
    return key if owner == namespace else f"/{owner}/{key}"


def _column(names: Sequence[str], x: int) -> tuple[Box, ...]:
    return tuple(Box(name, x, _MARGIN + index * _STEP) for index, name in enumerate(names))


def _curve(start: Box, end: Box) -> str:
    from_x, to_x = start.x + start.width, end.x
    return f"M{from_x} {start.middle}C{from_x + _CURVE} {start.middle} {to_x - _CURVE} {end.middle} {to_x} {end.middle}"

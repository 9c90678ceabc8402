"""Control groups: where they are found, what is written, and on real groups of this machine what they do."""

import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from ioruntime.invoker.cgroups import CONTROLLERS, Cgroups, Limits, detect, sweep

LIMITS = Limits(memory_mb=512, processes=100)


def version_2(tmp_path: Path, own: str, *, enabled: dict[str, str], members: str = "") -> tuple[str, str]:
    """Lay out groups as plain files; returns texts for `detect`."""
    for group, controllers in enabled.items():
        directory = tmp_path / group
        directory.mkdir(parents=True, exist_ok=True)
        for name in ("cgroup.procs", "cgroup.type", "cgroup.subtree_control"):
            (directory / name).write_text(controllers if name == "cgroup.subtree_control" else "")
    (tmp_path / own / "cgroup.procs").write_text(members)
    return f"0::/{own}\n", f"30 23 0:26 / {tmp_path} rw shared:4 - cgroup2 cgroup2 rw,nsdelegate\n"


def test_version_2_uses_the_nearest_group_that_hands_controllers_down(tmp_path: Path) -> None:
    groups, mounts = version_2(tmp_path, "app/shell", enabled={"app": "cpu memory pids", "app/shell": ""}, members="1\n2\n")
    found, features = detect("ioruntime-1", groups=groups, mounts=mounts)
    assert found is not None
    assert found.places == (str(tmp_path / "app/ioruntime-1"),)
    assert all(feature.ok for feature in features)


def test_version_2_without_delegation_says_what_is_missing_and_the_cure(tmp_path: Path) -> None:
    groups, mounts = version_2(tmp_path, "app/shell", enabled={"app": "", "app/shell": ""}, members="1\n2\n")
    (tmp_path / "app" / "cgroup.procs").write_text("3\n")
    (tmp_path / "app" / "cgroup.subtree_control").unlink()
    found, features = detect("ioruntime-1", groups=groups, mounts=mounts)
    assert found is None
    assert {feature.name for feature in features if not feature.ok} == {f"{name} control group" for name in CONTROLLERS}
    assert all("Delegate=yes" in feature.cure for feature in features)


def test_version_2_moves_a_lonely_server_into_a_leaf(tmp_path: Path) -> None:
    groups, mounts = version_2(tmp_path, "unit", enabled={"unit": ""}, members=str(os.getpid()))
    (tmp_path / "cgroup.procs").write_text("")
    (tmp_path / "unit/server").mkdir()
    (tmp_path / "unit/server/cgroup.procs").write_text("")
    detect("ioruntime-1", groups=groups, mounts=mounts)
    assert (tmp_path / "unit/server/cgroup.procs").read_text() == str(os.getpid())


def test_nothing_mounted_gives_nothing() -> None:
    found, features = detect("ioruntime-1", groups="0::/\n", mounts="")
    assert found is None
    assert not any(feature.ok for feature in features)


@pytest.fixture
def real() -> Iterator[Cgroups]:
    found, _features = detect(f"ioruntime-test-{os.getpid()}")
    if found is None or not {"memory", "pids"} <= found.controllers:
        pytest.skip("this process may not make control groups here")
    yield found
    sweep(found.places)


@pytest.fixture
def member() -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen(["/bin/sleep", "1000"]) as process:
        yield process
        process.kill()


def test_a_group_is_made_with_its_limits_and_removed(real: Cgroups) -> None:
    group = real.create("one", LIMITS)
    values = {path.name: path.read_text().strip() for place in real.places for path in (Path(place) / "one").glob("*.max")}
    values |= {
        path.name: path.read_text().strip() for place in real.places for path in (Path(place) / "one").glob("*limit_in_bytes")
    }
    assert values["pids.max"] == "100"
    assert str(512 << 20) in {values.get("memory.max"), values.get("memory.limit_in_bytes")}
    assert group.members() == set()
    assert group.oom_kills() == 0
    assert group.remove()
    assert not any((Path(place) / "one").exists() for place in real.places)


@pytest.mark.parametrize(("memory_mb", "quota_us"), [(128, "40000"), (512, "40000"), (1024, "80000")])
def test_the_processor_is_given_in_proportion(real: Cgroups, memory_mb: int, quota_us: str) -> None:
    if "cpu" not in real.controllers:
        pytest.skip("no control group for the processor here")
    group = real.create("one", Limits(memory_mb=memory_mb, processes=100))
    texts = {path.name: path.read_text().split() for place in real.places for path in (Path(place) / "one").glob("cpu.*")}
    quota = texts.get("cpu.max") or [*texts.get("cpu.cfs_quota_us", []), *texts.get("cpu.cfs_period_us", [])]
    group.remove()
    if not quota:
        pytest.skip("this kernel has no quota")
    assert quota == [quota_us, "20000"]


def test_a_group_that_exists_already_is_an_error(real: Cgroups) -> None:
    group = real.create("one", LIMITS)
    with pytest.raises(OSError, match="one"):
        real.create("one", LIMITS)
    assert Path(group.joining_files[0]).exists()
    group.remove()


def test_members_join_freeze_and_die(real: Cgroups, member: subprocess.Popen[bytes]) -> None:
    group = real.create("one", LIMITS)
    for file in group.joining_files:
        Path(file).write_text(str(member.pid))
    assert group.members() == {member.pid}
    group.freeze()
    group.kill()
    assert member.wait() == -signal.SIGKILL
    assert group.remove()


def test_sweep_clears_what_a_crashed_server_left(real: Cgroups, member: subprocess.Popen[bytes]) -> None:
    for file in real.create("left", LIMITS).joining_files:
        Path(file).write_text(str(member.pid))
    sweep(real.places)
    assert member.wait() == -signal.SIGKILL
    assert not any(Path(place).exists() for place in real.places)

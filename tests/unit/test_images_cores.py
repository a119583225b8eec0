"""As many threads as the machine allows: cores, and the quota of a control group."""

from __future__ import annotations

import os

import pytest

from stillpix.images import cores


@pytest.fixture
def groups(tmp_path, monkeypatch):
    """Return a folder of control groups, of a process that may run on 8 cores."""
    monkeypatch.setattr(os, "process_cpu_count", lambda: 8, raising=False)
    monkeypatch.setattr(cores, "_CGROUPS", tmp_path)
    monkeypatch.setattr(cores, "_OWN_GROUPS", tmp_path / "own")
    return tmp_path


def write(groups, own, **files):
    (groups / "own").write_text(own, encoding="utf-8")
    for name, words in files.items():
        path = groups / name.replace("__", "/").replace("_dot_", ".")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(words, encoding="utf-8")


def test_without_a_control_group_all_cores_count(groups):
    assert cores.usable_cores() == 8


@pytest.mark.parametrize(
    ("quota", "allowed"),
    [("max 100000", 8), ("200000 100000", 2), ("150000 100000", 2), ("20000 100000", 1),
     ("1600000 100000", 8), ("", 8), ("nonsense", 8)],
)  # fmt: skip
def test_a_quota_of_version_2_limits_them(groups, quota, allowed):
    write(groups, "0::/pod/one\n", pod__one__cpu_dot_max=f"{quota}\n")

    assert cores.usable_cores() == allowed


def test_an_outer_group_limits_the_inner_ones(groups):
    write(groups, "0::/pod/one\n", pod__one__cpu_dot_max="max 100000", pod__cpu_dot_max="3000 1000")

    assert cores.usable_cores() == 3


@pytest.mark.parametrize(("quota", "allowed"), [("-1", 8), ("400000", 4)])
def test_a_quota_of_version_1_limits_them(groups, quota, allowed):
    own = "5:memory:/box\n4:cpu,cpuacct:/box\n"
    write(groups, own)
    folder = groups / "cpu,cpuacct" / "box"
    folder.mkdir(parents=True)
    (folder / "cpu.cfs_quota_us").write_text(quota)
    (folder / "cpu.cfs_period_us").write_text("100000")

    assert cores.usable_cores() == allowed


def test_the_cores_that_the_process_may_run_on_count_where_python_does_not_know(monkeypatch):
    monkeypatch.delattr(os, "process_cpu_count", raising=False)
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {1, 3, 5}, raising=False)
    monkeypatch.setattr(cores, "_quotas", lambda: iter(()))

    assert cores.usable_cores() == 3

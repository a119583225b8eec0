"""How many threads the machine lets this process run at once.

Never decides what runs in them.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

_CGROUPS = Path("/sys/fs/cgroup")
_OWN_GROUPS = Path("/proc/self/cgroup")


def usable_cores() -> int:
    """Return how many cores this process may use: of those it may run on, what its quota allows.

    A container or a batch system may allow fewer than the machine has. More threads than that would
    only be stopped in turn.

    >>> usable_cores() >= 1
    True
    """
    count = getattr(os, "process_cpu_count", None)  # from Python 3.13 on
    if count is not None:
        cores = count()
    elif hasattr(os, "sched_getaffinity"):
        cores = len(os.sched_getaffinity(0))
    else:
        cores = os.cpu_count()
    return max(1, min([cores or 1, *map(round, _quotas())]))


def _quotas() -> Iterator[float]:
    """Yield the cores that each of the process's control groups allows, where one limits them."""
    try:
        lines = _OWN_GROUPS.read_text(encoding="utf-8").splitlines()
    except OSError:  # not Linux
        return
    for line in lines:
        _, controllers, path = line.split(":", 2)
        if not controllers:
            yield from _of_version_2(path)
        elif "cpu" in controllers.split(","):
            yield from _of_version_1(controllers, path)


def _of_version_2(path: str) -> Iterator[float]:
    group = Path(path.lstrip("/"))
    for each in (group, *group.parents):  # an outer group limits the inner ones
        quota, _, period = _words(_CGROUPS / each / "cpu.max").partition(" ")
        if quota.isdigit() and period.isdigit():
            yield int(quota) / int(period)


def _of_version_1(controllers: str, path: str) -> Iterator[float]:
    group = Path(path.lstrip("/"))
    for each in (group, *group.parents):
        folder = _CGROUPS / controllers / each
        quota, period = (_words(folder / f"cpu.cfs_{name}_us") for name in ("quota", "period"))
        if quota.isdigit() and period.isdigit():
            yield int(quota) / int(period)


def _words(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8").strip()
    except OSError:
        return ""

"""What more workers of a Dask cluster gain: the same shards added up by one worker, and by two.

    python benchmarks/bench_cluster.py --photos 160 --of-shard 20 --megapixels 6 --workers 1 2

A scheduler and workers of one thread each are processes of this computer. Workers begin once all of
them have added up a shard, so that no kernel is compiled meanwhile. Told are the wall time, and
what the same work takes at least where no other program is in the way: the processor time of the
busiest worker, or that of all processes over the cores, whichever is longer. Other programs make
the wall time mean little; the least time leaves out only waiting.
"""

from __future__ import annotations

import argparse
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import distributed
import numpy as np
import psutil  # type: ignore[import-untyped]  # its types are a package of their own
from PIL import Image

from stillpix.images.cores import usable_cores
from stillpix.images.gather import gather
from stillpix.scan.shards.cluster import Cluster
from stillpix.scan.shards.planning import plan_shards
from stillpix.scan.shards.plans import Shard, read_shard
from stillpix.watch import Watch

START = datetime(2026, 1, 1)
ANSWER_S = 600.0  # to wait for processes that start


@dataclass(frozen=True)
class Took:
    """What adding up all shards took."""

    workers: int
    wall_s: float
    each_s: list[float]  # processor time of each worker
    others_s: float  # that of the scheduler and of this process

    @property
    def least_s(self) -> float:
        """Return the time that it takes where no other program is in the way."""
        return max(*self.each_s, (sum(self.each_s) + self.others_s) / usable_cores())


def write_photos(folder: Path, photos: int, megapixels: float) -> None:
    """Write photos of one body, three hours apart: one scene moved about, with noise of its own."""
    side, rng = round((megapixels * 1e6 / 6) ** 0.5), np.random.default_rng(1)
    coarse = rng.integers(40, 200, (2 * side // 16 + 1, 3 * side // 16 + 1), np.uint8)
    scene = np.asarray(Image.fromarray(coarse).resize((3 * side, 2 * side), 3), np.int16)
    folder.mkdir()
    for number in range(photos):
        light = np.roll(scene, rng.integers(0, 3 * side, 2), (0, 1))
        pixels = light + rng.integers(-12, 13, light.shape, np.int8)
        exif = Image.Exif()
        exif[0x010F], exif[0x0110] = "Example Works", "Example One"
        exif.get_ifd(0x8769)[0x9003] = f"{START + timedelta(hours=3 * number):%Y:%m:%d %H:%M:%S}"
        Image.fromarray(pixels.clip(0, 255).astype(np.uint8)).save(
            folder / f"{number:06}.jpg", exif=exif, quality=92
        )


@contextmanager
def started(workers: int, folder: Path) -> Iterator[tuple[str, list[subprocess.Popen[bytes]]]]:
    """Give the address of a scheduler, and its process and those of its workers."""
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    address, dask = f"tcp://127.0.0.1:{port}", [sys.executable, "-m", "dask"]
    commands = [[*dask, "scheduler", "--host", "127.0.0.1", "--port", str(port), "--no-dashboard"]]
    commands += workers * [[
        *dask, "worker", address, "--nthreads", "1", "--no-nanny", "--no-dashboard",
        "--local-directory", str(folder), "--memory-limit", "0",
    ]]  # fmt: skip
    none = subprocess.DEVNULL
    processes = [subprocess.Popen(command, stdout=none, stderr=none) for command in commands]
    try:
        yield address, processes
    finally:
        for process in processes:
            process.kill()
            process.wait()


def used_s(process: int) -> float:
    """Return the processor time of a process so far."""
    times = psutil.Process(process).cpu_times()
    return float(times.user + times.system)


def added_up(warm: list[Shard], shards: list[Shard], workers: int, folder: Path) -> Took:
    """Add up some shards by so many workers, each of which has added up others before."""
    with started(workers, folder) as (address, processes):
        client: Any = distributed.Client  # it has no types
        crew = Cluster(address, lambda: client(address, timeout=ANSWER_S, set_as_default=False))
        with closing(crew):
            end = time.monotonic() + ANSWER_S
            while crew.threads < workers and time.monotonic() < end:
                time.sleep(0.1)
            crew.run(warm, Watch())
            numbers = [*(process.pid for process in processes), os.getpid()]
            before, begun = [used_s(number) for number in numbers], time.perf_counter()
            crew.run(shards, Watch())
            wall_s = time.perf_counter() - begun
            own = [used_s(number) - used for number, used in zip(numbers, before, strict=True)]
    return Took(workers, wall_s, own[1:-1], own[0] + own[-1])


def main() -> None:
    """Measure each number of workers."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--photos", type=int, default=160)
    parser.add_argument("--of-shard", type=int, default=20)
    parser.add_argument("--megapixels", type=float, default=6.0)
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 2])
    given = parser.parse_args()
    print("| workers | s | CPU of each, s | CPU of others, s | at least, s | gain |", flush=True)
    print("|--:|--:|---|--:|--:|--:|")
    with TemporaryDirectory() as name:
        photos, first = Path(name, "photos"), 0.0
        write_photos(photos, given.photos, given.megapixels)
        found = gather([photos])
        for workers in given.workers:
            plans = [Path(name, f"{what} {workers}") for what in ("warm", "plan")]
            made = [plan_shards(found, plan, given.of_shard) for plan in plans]
            warm, shards = ([read_shard(plan.path(each)) for each in plan.shards] for plan in made)
            took = added_up(warm[: 2 * workers], shards, workers, Path(name))
            first = first or took.least_s
            each = ", ".join(f"{used:.1f}" for used in took.each_s)
            print(
                f"| {workers} | {took.wall_s:.1f} | {each} | {took.others_s:.1f} | "
                f"{took.least_s:.1f} | {first / took.least_s:.2f} |", flush=True,
            )  # fmt: skip
    print(f"load at the end: {os.getloadavg()[0]:.0f}, on {usable_cores()} cores")


if __name__ == "__main__":
    main()

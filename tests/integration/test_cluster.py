"""A Dask cluster gives the bits of one process, whatever of it dies."""

from __future__ import annotations

import random
import signal
import socket
import subprocess
import sys
import threading
import time
from contextlib import closing, contextmanager, suppress

import pytest
from typer.testing import CliRunner

from stillpix.cli import app
from stillpix.cli import clusters as clusters_module
from stillpix.errors import ClusterError
from stillpix.images.gather import gather
from stillpix.maps import read_map
from stillpix.maps.library import Library
from stillpix.maps.map_file import as_text
from stillpix.scan import scan
from stillpix.scan.shards import cluster as clusters
from stillpix.scan.shards.cluster import Cluster
from stillpix.scan.shards.merging import merge
from stillpix.scan.shards.planning import plan_shards
from stillpix.scan.shards.plans import read_shard
from stillpix.scan.shards.running import result_of
from stillpix.watch import Watch
from support import costs, effort, series

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("library")]
distributed = pytest.importorskip("distributed")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("clustered") / "photos"
    series.write(folder, range(12))
    return folder


@pytest.fixture(scope="module")
def local(folder):
    return series.map_text(folder)


def free_port():
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Machines:
    """A scheduler and workers, as processes of this computer that may be killed."""

    def __init__(self, folder, workers):
        self.folder, self.port = folder, free_port()
        self.address = f"tcp://127.0.0.1:{self.port}"
        self.scheduler = self.started_scheduler()
        self.workers = [self.started_worker() for _ in range(workers)]

    def started_scheduler(self):
        started = self._started(
            "scheduler", "--host", "127.0.0.1", "--port", str(self.port), "--no-dashboard"
        )
        end = time.monotonic() + costs.LONGEST_S
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
                return started
            except OSError:
                assert time.monotonic() < end, "the scheduler does not answer"
                time.sleep(0.1)

    def started_worker(self):
        return self._started(
            "worker", self.address, "--nthreads", "1", "--no-nanny", "--no-dashboard",
            "--local-directory", str(self.folder), "--memory-limit", "0",
        )  # fmt: skip

    def _started(self, *arguments):
        command = [sys.executable, "-m", "dask", *arguments]
        return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def kill_a_worker(self, number):
        """Kill a worker, and start another one in its place."""
        self.workers[number].send_signal(signal.SIGKILL)
        self.workers[number].wait()
        self.workers[number] = self.started_worker()

    def kill_amid(self, shards, rng, kills):
        """Kill workers while some shards are missing, and the scheduler once; return how many are.

        Each moment is so many results and some more time.
        """
        moments, missing = sorted(rng.sample(range(len(shards) // 2), kills)), []
        for number, moment in enumerate(moments):
            end = time.monotonic() + costs.LONGEST_S
            while len(left := [each for each in shards if result_of(each) is None]) > (
                len(shards) - moment
            ):
                assert time.monotonic() < end, "nothing is done any more"
                time.sleep(0.02)
            time.sleep(rng.uniform(0, 0.1))
            self.kill_a_worker(rng.randrange(len(self.workers)))
            missing.append(len(left))
            if number == kills // 2:
                self.restart_the_scheduler()
        return missing

    def restart_the_scheduler(self):
        """Kill the scheduler; its workers end with it, and all are started again."""
        for each in (self.scheduler, *self.workers):
            each.kill()
            each.wait()
        self.scheduler = self.started_scheduler()
        self.workers = [self.started_worker() for _ in self.workers]

    def end(self):
        for each in (*self.workers, self.scheduler):
            each.kill()
        for each in (*self.workers, self.scheduler):
            each.wait()


@pytest.fixture(scope="module")
def machines(tmp_path_factory):
    running = Machines(tmp_path_factory.mktemp("workers"), workers=2)
    with closing_machines(running):
        yield running


@contextmanager
def closing_machines(running):
    try:
        yield
    finally:
        running.end()


def crew_of(machines):
    return Cluster(
        machines.address,
        lambda: distributed.Client(machines.address, timeout=10, set_as_default=False),
    )


def clustered(folder, machines, store, during=lambda: None, photos=2):
    """Return the map that a cluster makes; something happens to it in the meantime."""
    crew, watch = crew_of(machines), Watch()
    meanwhile = threading.Thread(target=during)
    try:
        plan = plan_shards(gather([folder]), store, photos)
        meanwhile.start()
        crew.run([read_shard(plan.path(name)) for name in plan.shards], watch)
        (body,) = merge(plan, crew=crew, watch=watch)
        meanwhile.join()
    finally:
        crew.close()
    assert body.troubles == []
    return as_text(body.map)


def test_find_on_a_cluster_gives_the_map_of_one_process(folder, local, machines, tmp_path, library):
    command = ["find", str(folder), "--cluster", machines.address, "--store", str(tmp_path / "s")]

    result = CliRunner().invoke(app, [*command, "--out", str(tmp_path / "maps")])
    again = CliRunner().invoke(app, command)

    (path,) = (tmp_path / "maps").iterdir()
    assert (result.exit_code, result.stderr, again.exit_code) == (0, "", 0)
    assert as_text(read_map(path)) == local
    ((_, kept),) = Library().maps()
    assert as_text(kept) == local


def test_a_photo_that_is_damaged_is_named_as_on_one_machine(folder, machines, tmp_path, library):
    series.write(tmp_path / "photos", range(6))
    broken = sorted((tmp_path / "photos").iterdir())[2]
    broken.write_bytes(broken.read_bytes()[:-2000])
    command = ["find", str(tmp_path / "photos"), "--out"]

    alone = CliRunner().invoke(app, [*command, str(tmp_path / "one")])
    result = CliRunner().invoke(
        app, [*command, str(tmp_path / "two"), "--cluster", machines.address]
    )

    assert result.exit_code == alone.exit_code == 1
    assert result.stderr == alone.stderr
    assert str(broken) in result.stderr


def test_fix_on_a_cluster_writes_the_same_files(folder, machines, tmp_path, library):
    scanned = list(scan(gather([folder]), library=Library()))
    command = ["fix", str(folder), "--map", str(scanned[0].path), "--out"]

    alone = CliRunner().invoke(app, [*command, str(tmp_path / "one")])
    result = CliRunner().invoke(
        app, [*command, str(tmp_path / "two"), "--cluster", machines.address]
    )

    assert (alone.exit_code, result.exit_code, result.stderr) == (0, 0, "")
    one, two = (
        {path.name: path.read_bytes() for path in (tmp_path / name).iterdir()}
        for name in ("one", "two")
    )
    assert one.pop("stillpix-fix.json").count(b'"target"') == len(one) == 12
    assert two.pop("stillpix-fix.json").count(b'"target"') == 12
    assert one == two


@pytest.mark.parametrize("seed", effort.chosen(range(10), 0))
def test_workers_that_are_killed_at_any_moment_change_no_bit(
    seed, folder, local, machines, tmp_path
):
    rng = random.Random(seed)

    def during():
        time.sleep(rng.uniform(0, 2))
        machines.kill_a_worker(rng.randrange(len(machines.workers)))

    assert clustered(folder, machines, tmp_path, during) == local


@pytest.mark.skipif(not effort.long, reason="takes minutes: --long")
def test_ten_killed_workers_and_a_restarted_scheduler_change_no_bit(many, tmp_path):
    alone = series.map_text(many)
    plan = plan_shards(gather([many]), tmp_path / "plan", 1)
    shards = [read_shard(plan.path(name)) for name in plan.shards]
    seed, missing = random.randrange(1 << 32), []
    machines = Machines(tmp_path / "workers", workers=4)

    def during():
        missing.extend(machines.kill_amid(shards, random.Random(seed), kills=10))

    with closing_machines(machines):
        found = clustered(many, machines, tmp_path / "plan", during, photos=1)

    assert found == alone, f"seed {seed}"
    assert len(missing) == 10, f"seed {seed}"
    assert min(missing) > 0, f"seed {seed}: some were killed when nothing was left to do"


def test_a_scheduler_that_is_restarted_changes_no_bit(folder, local, machines, tmp_path):
    assert clustered(folder, machines, tmp_path, machines.restart_the_scheduler, photos=1) == local


def test_a_scheduler_that_does_not_answer_is_told_in_one_line(
    folder, tmp_path, library, monkeypatch
):
    monkeypatch.setattr(clusters_module, "ANSWER_S", 1.0)
    result = CliRunner().invoke(
        app, ["find", str(folder), "--cluster", f"tcp://127.0.0.1:{free_port()}",
              "--store", str(tmp_path)],
    )  # fmt: skip

    assert result.exit_code != 0
    assert "the scheduler does not answer; start it again" in result.stderr
    assert "Traceback" not in result.output


def test_a_task_whose_workers_always_end_is_given_up(machines, monkeypatch):
    monkeypatch.setattr(clusters, "MOST_TRIES", 1)
    crew, stop = crew_of(machines), threading.Event()

    def keep_alive():
        while not stop.wait(0.2):
            for number, worker in enumerate(machines.workers):
                if worker.poll() is not None:
                    machines.workers[number] = machines.started_worker()

    thread = threading.Thread(target=keep_alive)
    thread.start()
    try:
        with pytest.raises(ClusterError, match="the workers that tried it ended"):
            list(crew.each(signal.raise_signal, [signal.SIGKILL], Watch()))
    finally:
        stop.set()
        thread.join()
        with suppress(Exception):
            crew.close()


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (("--cluster", "head:8786"), "'head:8786' is no cluster; give tcp://HOST:PORT"),
        (("--cluster", "slurm"), "pip install dask-jobqueue"),
        (("--cluster", "kubernetes"), "pip install dask_kubernetes"),
        (("--cluster", "local", "--report", "r.html"), "works without --report"),
        (("--store", "sums"), "works only with --cluster"),
    ],
)
def test_a_cluster_that_cannot_be_is_refused_at_once(arguments, reason, monkeypatch):
    real = clusters_module.find_spec
    monkeypatch.setattr(
        clusters_module, "find_spec",
        lambda name: None if name in {"dask_jobqueue", "dask_kubernetes"} else real(name),
    )  # fmt: skip

    result = CliRunner().invoke(app, ["find", "photos", *arguments])

    assert result.exit_code == 2
    assert reason in " ".join(result.stderr.split())

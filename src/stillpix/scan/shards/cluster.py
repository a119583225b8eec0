"""Work done by the workers of a Dask cluster, whatever of it dies and comes back.

Names and small records pass its scheduler; photos and sums do not. A task that was lost is given
again, and so is all that was under way where the scheduler was lost: tasks write whole files or
none, and may be done twice.
"""

from __future__ import annotations

import logging
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import CancelledError
from contextlib import suppress
from pathlib import Path
from threading import Event
from typing import Any, TypeVar

from ...errors import ClusterError, StillpixError
from ...watch import Watch
from .joining import Node, make_node
from .plans import Shard, read_shard
from .running import result_of, run_shard

T = TypeVar("T")
R = TypeVar("R")

TOPIC = "stillpix"  # of what workers tell of their progress
TELL_S = 1.0  # how often
POLL_S = 0.5  # how often a Ctrl-C is looked for
PER_THREAD = 2  # tasks given ahead, so that no worker waits
MOST_TRIES = 20  # of one task whose workers died
RECONNECT_S, ANSWER_S = 600.0, 5.0  # to wait for a scheduler that is gone; for one answer
ALONE_S = 20.0  # without any worker, after which a person is told
DIED = "the workers that tried it ended ({}), as they do where memory is short; see their logs"
GONE = "the scheduler does not answer; start it again, and run the same command: it goes on"


class Cluster:
    """The workers of one scheduler; `connect` makes a client of it, again and again if need be."""

    def __init__(self, name: str, connect: Callable[[], Any]) -> None:
        self.name, self._connect = name, connect
        logging.getLogger("distributed").setLevel(logging.CRITICAL)  # what matters is said here
        self._client = self._new_client()
        self._hear: Callable[[Any], None] | None = None

    @property
    def threads(self) -> int:
        """Return how many tasks its workers do at once; 1 where there is none yet."""
        try:
            return max(sum(map(int, self._client.nthreads().values())), 1)
        except Exception:  # noqa: BLE001  # Dask's own errors: it is asked again below
            return 1

    def each(
        self, work: Callable[[T], R], items: Sequence[T], watch: Watch
    ) -> Iterator[tuple[T, R]]:
        """Yield each item with what comes of it, as it is done, until the watch stops it.

        Raises ClusterError where that cannot be, and what `work` raises.
        """
        left, tries = dict(enumerate(items)), Counter[int]()
        while left and not watch.stop():
            try:
                for number, result in self._round(work, left, tries, watch):
                    yield left.pop(number), result
            except (OSError, CancelledError, TimeoutError):  # Dask's errors of lost connections
                if watch.stop():
                    return
                self._reconnect(watch)

    def run(self, shards: Sequence[Shard], watch: Watch) -> None:
        """Add up some shards of one sensor."""
        missing = [shard for shard in shards if result_of(shard) is None]
        if not missing:
            return
        total = sum(len(shard.photos) for shard in missing)
        watch.body(missing[0].sensor, total)
        done = dict.fromkeys((str(shard.folder) for shard in missing), 0)

        def hear(event: Any) -> None:
            with suppress(Exception):  # progress alone
                _, (folder, photos) = event
                done[folder] = max(done[folder], photos)
                watch.photos(sum(done.values()))

        self._listen(hear)
        sizes = {str(shard.folder): len(shard.photos) for shard in missing}
        for folder, skipped in self.each(run_in, list(done), watch):
            done[folder] = sizes[folder]
            watch.photos(sum(done.values()))
            for path, reason in skipped:
                watch.skipped(path, reason)
        self._listen(None)

    def join(self, nodes: Sequence[Node], watch: Watch) -> None:
        """Make some files of merged sums."""
        for _ in self.each(make_node, nodes, watch):
            pass

    def close(self) -> None:
        """Leave the cluster; what is under way there ends by itself."""
        with suppress(Exception):
            self._client.close(timeout=ANSWER_S)

    def _round(
        self, work: Callable[[T], R], left: dict[int, T], tries: Counter[int], watch: Watch
    ) -> Iterator[tuple[int, R]]:
        """Yield what is done, until all is, or the scheduler is lost."""
        client, waiting, begun = self._client, list(left), time.monotonic()
        under_way: dict[Any, int] = {}
        some_done = Event()
        most, told = PER_THREAD * self.threads, False
        while (waiting or under_way) and not watch.stop():
            while waiting and len(under_way) < most:
                number = waiting.pop(0)
                future = client.submit(work, left[number], pure=False)
                under_way[future] = number
                future.add_done_callback(lambda _: some_done.set())
            some_done.wait(POLL_S)
            some_done.clear()
            if client.status != "running":
                raise TimeoutError
            for future in [each for each in under_way if each.done()]:
                number = under_way.pop(future)
                if future.status == "finished":
                    begun = time.monotonic()
                    yield number, future.result()
                else:
                    _require_lost(future, tries, number, left[number])
                    waiting.append(number)
            most = max(most, PER_THREAD * self.threads)
            if not told and time.monotonic() - begun > ALONE_S and not client.nthreads():
                told = True
                watch.message(f"{self.name}: no worker is there yet; waiting for one")
        for future in under_way:
            future.cancel()

    def _listen(self, hear: Callable[[Any], None] | None) -> None:
        """Hand on what workers tell of their progress, from now on."""
        self._hear = hear
        with suppress(Exception):  # progress alone
            if hear is None:
                self._client.unsubscribe_topic(TOPIC)
            else:
                self._client.subscribe_topic(TOPIC, hear)

    def _new_client(self) -> Any:
        try:
            return self._connect()
        except (OSError, TimeoutError, ValueError) as error:
            raise ClusterError(f"{self.name}: {GONE}") from error

    def _reconnect(self, watch: Watch) -> None:
        """Find the scheduler again, wherever it has been."""
        self.close()
        watch.message(f"{self.name}: the scheduler was lost; waiting for it")
        end = time.monotonic() + RECONNECT_S
        while not watch.stop():
            try:
                self._client = self._new_client()
            except ClusterError:
                if time.monotonic() > end:
                    raise
                time.sleep(POLL_S)
            else:
                self._listen(self._hear)
                return


def run_in(folder: str) -> list[tuple[str, str]]:
    """Add up the shard in a folder, on a worker; return the photos that were left out, and why."""
    result = run_shard(read_shard(Path(folder)), jobs=1, watch=_Telling(folder))
    return [] if result is None else [(each.path, each.reason) for each in result.skipped]


class _Telling(Watch):
    """Tells the scheduler how far one shard is."""

    def __init__(self, folder: str) -> None:
        self.folder, self._told = folder, time.monotonic()

    def photos(self, done: int) -> None:
        """Tell so many photos, now and then."""
        from distributed import get_worker

        if time.monotonic() - self._told >= TELL_S:
            self._told = time.monotonic()
            with suppress(ValueError):  # no worker
                get_worker().log_event(TOPIC, (self.folder, done))


def _require_lost(future: Any, tries: Counter[int], number: int, item: object) -> None:
    """Raise what is wrong with a task, unless its worker or its scheduler was lost."""
    from distributed import KilledWorker
    from distributed.comm.core import CommClosedError

    if future.status != "error":  # cancelled, or lost
        return
    error = future.exception()
    if isinstance(error, StillpixError):
        raise error
    if isinstance(error, ImportError):
        raise ClusterError(
            f"a worker lacks {error.name}; install the same stillpix and extras on all machines"
        ) from error
    if not isinstance(error, (KilledWorker, CommClosedError, OSError, MemoryError)):
        raise error
    tries[number] += 1
    if tries[number] >= MOST_TRIES:
        raise ClusterError(f"{item}: {DIED.format(type(error).__name__)}") from error

"""Long runs in threads of their own, which outlive the page that started them.

Never runs two at once: each uses all cores, and the evidence of a body in memory.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from ..errors import StillpixError
from ..watch import PREPARING, Watch
from .journal import Journal
from .refusal import Refused

if TYPE_CHECKING:
    from ..frame import Sensor

Kind: TypeAlias = Literal["open", "find", "repair"]
State: TypeAlias = Literal["running", "stopping", "done", "stopped", "failed"]

TOLD_EVERY_S = 0.1  # progress, at most
MOST_TOLD = 500  # files that were not used, by name; the others are counted
REMEMBERED = 20  # jobs that have ended
OWN_FAULT = "stopped by an error in stillpix itself; see the terminal in which it was started"


class Job(Watch):
    """One run: how far it is, what it could not use, and what came of it."""

    def __init__(self, number: int, kind: Kind, subject: str, journal: Journal) -> None:
        self.id = f"j{number}"
        self.kind, self.subject, self.journal = kind, subject, journal
        self.state: State = "running"
        self.phase = ""
        self.done, self.total = 0, 0
        self.not_used: list[dict[str, str]] = []
        self.messages: list[str] = []
        self.error = ""
        self.result: Mapping[str, Any] = {}
        self._planned: list[int] = []  # photos of each camera
        self.sure: dict[str, int] | None = None  # broken pixels so far, and by how many photos
        self.camera = 0  # the one under way, from 1
        self._all_done = 0
        self._stop = threading.Event()
        self._begun = time.monotonic()
        self._before = 0  # photos that were done when the pace began
        self.prepares = False
        self._told = 0.0
        self._revision = 0

    def summary(self) -> dict[str, Any]:
        """Return what a page shows of the job."""
        rate = (self.done - self._before) / max(time.monotonic() - self._begun, 1e-3)
        running = self.state in {"running", "stopping"}
        known = running and rate > 0 and self.total and not self.prepares
        return {
            "id": self.id,
            "revision": self._revision,  # the higher, the later
            "kind": self.kind,
            "subject": self.subject,
            "state": self.state,
            "phase": PREPARING if self.prepares and running else self.phase,
            "done": self.done,
            "total": self.total,
            "camera": self.camera,
            "cameras": len(self._planned),
            "all_done": self._all_done,  # over all cameras
            "all_total": sum(self._planned),
            "sure": self.sure if running else None,
            "rate": round(rate, 2) if running else None,
            "left_s": round((self.total - self.done) / rate, 1) if known else None,
            "not_used": self.not_used[:MOST_TOLD],
            "not_used_count": len(self.not_used),
            "messages": list(self.messages),
            "error": self.error,
            "result": dict(self.result),
        }

    def plan(self, photos: list[int]) -> None:
        """So many photos of each camera are to be read."""
        self._planned = photos

    def note_phase(self, phase: str, total: int) -> None:
        """This is done now, for so many photos."""
        self._begin(phase, total)

    def heads(self, done: int) -> None:
        """So many files have been looked at; how many there are is not known."""
        self.phase, self.done, self.total = "looking for photos", done, 0
        self._tell()

    def body(self, sensor: Sensor, photos: int) -> None:
        """The photos of this body are read next."""
        self.camera += 1
        self._begin(sensor.name, photos)
        self._note_all()

    def again(self, sensor: Sensor, photos: int) -> None:
        """So many photos of this body are read a second time, to tell dates; then maybe more."""
        phase = f"{sensor.name}, again for dates"
        if phase == self.phase:
            self.total = photos
        else:
            self._begin(phase, photos)

    def _begin(self, phase: str, photos: int) -> None:
        self.phase, self.done, self.total, self.sure = phase, 0, photos, None
        self._begun, self._before = time.monotonic(), 0
        self.tell()

    def preparing(self, *, begins: bool) -> None:
        """Say that code is compiled; the pace is counted from the end of it."""
        self.prepares = begins
        if not begins:
            self._begun, self._before = time.monotonic(), self.done
        self.tell()

    def so_far(self, sure: Sequence[tuple[int, int]], photos: int) -> None:
        """So many photos tell that these pixels are broken; more are read."""
        self.sure = {"pixels": len(sure), "photos": photos}
        self.tell()

    def photos(self, done: int) -> None:
        """So many photos of this body are done."""
        self.done = done
        self._note_all()
        if done >= self.total:
            self.tell()
        else:
            self._tell()

    def _note_all(self) -> None:
        """Count over all cameras; a second look at photos counts none of them twice."""
        if 0 < self.camera <= len(self._planned):
            counted = sum(self._planned[: self.camera]) - self.total + self.done
            self._all_done = max(self._all_done, counted)

    def skipped(self, path: str, reason: str) -> None:
        """A photo could not be used."""
        self.not_used.append({"path": path, "reason": reason})
        self._tell()

    def message(self, text: str) -> None:
        """Something a person should know has happened."""
        self.messages.append(text)
        self.tell()

    def stop(self) -> bool:
        """Return whether to end after the photos being read."""
        return self._stop.is_set()

    def end(self) -> None:
        """Ask the run to end after the photos being read, and to keep what is done."""
        self._stop.set()
        if self.state == "running":
            self.state = "stopping"
            self.tell()

    def tell(self) -> None:
        """Let every tab know how it stands."""
        self._told = time.monotonic()
        self._revision += 1
        self.journal.tell("job", self.summary())

    def _tell(self) -> None:
        if time.monotonic() - self._told > TOLD_EVERY_S:
            self.tell()

    def run(self, work: Callable[[Job], Mapping[str, Any]]) -> None:
        """Do the work and keep what came of it, or why nothing did."""
        self.error = OWN_FAULT
        try:
            self.result = work(self)
            self.error = ""
        except (StillpixError, Refused) as error:
            self.error = str(error)
        except MemoryError:
            self.error = "there is not enough memory; close other programs and run again"
        finally:
            stopped: State = "stopped" if self.stop() else "done"
            self.state = "failed" if self.error else stopped
            self.tell()


class Jobs:
    """The runs of one server, one at a time."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._jobs: dict[str, Job] = {}
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._count = 0
        self._closed = False

    def start(self, kind: Kind, subject: str, work: Callable[[Job], Mapping[str, Any]]) -> Job:
        """Begin a run in a thread; raise Refused (409) while another is under way."""
        with self._lock:
            if self._closed:
                raise Refused(503, "the server is being shut down; start it again")
            running = self._running()
            if running is not None:
                reason = f"{running.subject} is still under way; wait for it, or stop it first"
                raise Refused(409, reason)
            self._count += 1
            job = Job(self._count, kind, subject, self._journal)
            self._jobs[job.id] = job
            for old in list(self._jobs)[:-REMEMBERED]:
                del self._jobs[old]
            self._thread = threading.Thread(target=job.run, args=(work,), name=f"stillpix-{kind}")
            job.tell()
            self._thread.start()
            return job

    def named(self, job_id: str) -> Job:
        """Return a job; raise Refused (404) where there is none of that name."""
        with self._lock:
            if job_id not in self._jobs:
                raise Refused(404, "there is no such job; /api/state lists the jobs")
            return self._jobs[job_id]

    def summaries(self) -> list[dict[str, Any]]:
        """Return what is to be said of each job, the latest last."""
        with self._lock:
            return [job.summary() for job in self._jobs.values()]

    def wait(self, job: Job) -> None:
        """Wait until a run has ended."""
        with self._lock:
            thread = self._thread if job.state in {"running", "stopping"} else None
        if thread is not None:
            thread.join()

    def close(self) -> None:
        """End the run under way in good order, and wait for that."""
        with self._lock:
            self._closed = True
            running, thread = self._running(), self._thread
        if running is not None:
            running.end()
        if thread is not None:
            thread.join()

    def _running(self) -> Job | None:
        alive = self._thread is not None and self._thread.is_alive()
        latest = next(reversed(self._jobs.values()), None)
        return latest if alive else None

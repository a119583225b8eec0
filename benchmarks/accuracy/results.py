"""The results of a run, in one JSON file from which every table and plot is made.

A file whose name ends in .gz is compressed. Holds truths and outcomes, no photos and no text.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from stillpix.simulate import CameraSettings, PlantedDefect

from .scorer import RULES, STRICT, Outcome, OwnCut, Rule, oracle_cut, own_cut, walk

FORMAT = 2
# mosaic sigmas at ISO 400, 1/60 s, 10 % of white
AMPLITUDES = (0.1, 0.3, 1.0, 3.0, 10.0, 1e9)


@dataclass(frozen=True, slots=True)
class Planted:
    """One planted defect as far as tables need it."""

    kind: str
    site: str
    amplitude: float  # sigmas, absolute

    @property
    def strength(self) -> str:
        """Return the words for its range of amplitudes.

        >>> Planted("hot", "G", 2.0).strength, Planted("dead", "R", 40.0).strength
        ('1..3', '10..')
        """
        step = next(n for n in range(1, len(AMPLITUDES)) if self.amplitude < AMPLITUDES[n])
        above = "" if step == len(AMPLITUDES) - 1 else f"{AMPLITUDES[step]:g}"
        return f"{AMPLITUDES[step - 1]:g}..{above}"


@dataclass(frozen=True, slots=True)
class Camera:
    """One simulated camera and its truth."""

    seed: int
    cfa: str
    demosaic: str
    quality: int
    subsampling: str
    planted: tuple[Planted, ...]

    @classmethod
    def of(cls, seed: int, settings: CameraSettings, planted: Sequence[PlantedDefect]) -> Camera:
        """Return what is remembered of a camera."""
        truth = tuple(Planted(p.kind, p.site, round(abs(p.amplitude_sigma), 4)) for p in planted)
        return cls(
            seed, settings.cfa, settings.demosaic, settings.quality, settings.subsampling, truth
        )


@dataclass(frozen=True, slots=True)
class Run:
    """What one variant of a method found on one camera after some number of photos.

    A condensed run has no steps; it keeps what the oracle's cuts come to instead.
    """

    seed: int
    photos: int
    variant: str
    steps: tuple[tuple[float, int], ...]  # the walk down its list: see scorer.walk
    own: OwnCut | None = None
    stated: float | None = None  # false finds that it expects at its own cut
    rate: float | None = None  # the false-discovery rate asked for, if not its usual one
    found: tuple[int, ...] = ()  # condensed: defects found at the strict cut
    counts: tuple[int, ...] = ()  # condensed: how many are found by each of scorer.RULES

    @classmethod
    def of(
        cls, seed: int, photos: int, variant: str, outcome: Outcome,
        planted: Sequence[PlantedDefect],
    ) -> Run:  # fmt: skip
        """Score an outcome."""
        own = own_cut(outcome.called, planted) if outcome.called is not None else None
        steps = tuple(walk(outcome.ranked, planted))
        return cls(seed, photos, variant, steps, own, outcome.expected_false)

    @property
    def ranks(self) -> bool:
        """Return whether the method ranked places, so that the oracle can cut its list."""
        return bool(self.steps or self.counts)

    def oracle(self) -> tuple[int, ...]:
        """Return the defects found at the oracle's strict cut."""
        return self.found if self.counts else oracle_cut(self.steps, STRICT)[0]

    def recalled(self, rule: Rule = STRICT) -> int:
        """Return how many defects are found at the oracle's cut by one of scorer.RULES."""
        if self.counts:
            return self.counts[RULES.index(rule)]
        return len(oracle_cut(self.steps, rule)[0])


@dataclass(frozen=True, slots=True)
class Clean:
    """What stillpix confirmed on a camera without defects."""

    seed: int
    photos: int
    finds: int
    stated: float


@dataclass(frozen=True, slots=True)
class Pooled:
    """What comes of two bodies: their maps' common places, and their photos pooled by force."""

    first: int
    second: int
    photos: int  # of each
    in_common: int  # confirmed of both bodies, alone, at the same place
    of_first: int  # confirmed of the pooled photos, being the first body's defects
    of_second: int
    of_neither: int


@dataclass(frozen=True, slots=True)
class Common:
    """What one variant finds at one cut for all cameras (condensed results only)."""

    variant: str
    photos: int
    found: int
    false: int


@dataclass(slots=True)
class Results:
    """All outcomes of one run of the benchmark."""

    command: str = ""
    machine: str = ""
    minutes: float = 0.0
    peak_mb: float = 0.0
    size: str = ""
    cameras: list[Camera] = field(default_factory=list)
    runs: list[Run] = field(default_factory=list)
    clean: list[Clean] = field(default_factory=list)
    pooled: list[Pooled] = field(default_factory=list)
    common: list[Common] = field(default_factory=list)

    def save(self, path: Path) -> None:
        """Write them as JSON; the same results always give the same bytes."""
        state = {"format": FORMAT, **asdict(self)}
        text = (json.dumps(state, separators=(",", ":")) + "\n").encode()
        path.write_bytes(gzip.compress(text, mtime=0) if path.suffix == ".gz" else text)

    @classmethod
    def load(cls, path: Path) -> Results:
        """Read what `save` wrote; raises ValueError where it is of another format."""
        data = path.read_bytes()
        state = json.loads(gzip.decompress(data) if path.suffix == ".gz" else data)
        if state.pop("format") != FORMAT:
            raise ValueError(f"{path}: not written by this version; run the benchmark again")
        state["cameras"] = [_camera(camera) for camera in state["cameras"]]
        state["runs"] = [_run(run) for run in state["runs"]]
        state["clean"] = [Clean(**clean) for clean in state["clean"]]
        state["pooled"] = [Pooled(**pooled) for pooled in state["pooled"]]
        state["common"] = [Common(**common) for common in state["common"]]
        return cls(**state)

    @classmethod
    def joined(cls, parts: Sequence[Results]) -> Results:
        """Return the results of several runs over different cameras as those of one.

        Raises ValueError for condensed parts: a cut for all cameras needs every camera's steps.
        """
        if len(parts) == 1:
            return parts[0]
        if any(part.common for part in parts):
            raise ValueError("condensed results cannot be joined; join the full ones first")
        made = cls(parts[0].command, parts[0].machine, size=parts[0].size)
        made.command = "\n".join(part.command for part in parts)
        made.minutes = round(sum(part.minutes for part in parts), 1)
        made.peak_mb = max(part.peak_mb for part in parts)
        for part in sorted(parts, key=lambda part: part.cameras[0].seed):
            made.cameras += part.cameras
            made.runs += part.runs
            made.clean += part.clean
            made.pooled += part.pooled
        return made


def _camera(state: dict[str, Any]) -> Camera:
    planted = tuple(Planted(**defect) for defect in state.pop("planted"))
    return Camera(**state, planted=planted)


def _run(state: dict[str, Any]) -> Run:
    own = state.pop("own")
    steps = tuple((score, code) for score, code in state.pop("steps"))
    found, counts = tuple(state.pop("found")), tuple(state.pop("counts"))
    cut = OwnCut(tuple(own["found"]), own["false"], own["aside"]) if own else None
    return Run(**state, steps=steps, own=cut, found=found, counts=counts)

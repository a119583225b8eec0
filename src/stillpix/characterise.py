"""What is wrong with one pixel that stands out: its kind, its strength, how often it shows.

Never decides whether a pixel is broken.
"""

from __future__ import annotations

from statistics import median

import numpy as np

from .defects import Defect, Kind
from .evidence import Evidence, template_factors
from .frame import Exposure
from .kernels import BLOCK, TEMPLATES, UNIT, UNIT_EXCESS, UNIT_INFORMATION
from .null import Null

OFFSET, HOT_TEMPERED, HOT, RESPONSE = range(TEMPLATES)
CLEARLY = 3.0  # null sigmas between two templates that tell one kind from another
DEAD_EFFECT = 0.6  # share of the full clipped response from which a dark pixel is called dead
FEW_CANDIDATES = 20


def describe(evidence: Evidence, null: Null, x: int, y: int) -> tuple[Defect, float]:
    """Return the defect at one place, and its effect: mean sigmas in photos that should show it."""
    scores, effects = _by_template(evidence, null, x, y)
    loudest = int(np.abs(scores).argmax())
    kind = kind_of(scores, effects)
    shown = abs(int(evidence.shown[y, x]))
    strength = exposure = None
    if shown >= 2 and np.sign(evidence.shown[y, x]) == np.sign(evidence.excess[y, x]):
        strength = evidence.excess[y, x] / UNIT_EXCESS / abs(evidence.shown[y, x])
        exposure = _typical(evidence, loudest, shown)
    could = _could_show(evidence, loudest, x, y)
    could = min(max(could, shown), evidence.scenes)
    defect = Defect(
        x=x, y=y, kind=kind,
        strength=None if strength is None else float(strength),
        exposure_s=exposure.exposure_s if exposure else None,
        gain=exposure.gain if exposure else None,
        seen=(shown / could, could) if could else None,
    )  # fmt: skip
    return defect, abs(float(effects[loudest])) * 3.0


def kind_of(scores: np.ndarray, effects: np.ndarray) -> Kind:
    """Tell the kind from the four templates' scores and effects (share of the full response).

    >>> kind_of(np.array([6.0, 9.0, 12.0, 1.0]), np.array([0.3, 0.5, 0.8, 0.0]))
    'hot'
    >>> kind_of(np.array([-9.0, -8.0, -7.0, -20.0]), np.array([-0.5, -0.4, -0.4, -0.9]))
    'dead'
    """
    offset, hot, response = scores[OFFSET], max(scores[HOT_TEMPERED], scores[HOT]), scores[RESPONSE]
    if scores[np.abs(scores).argmax()] < 0:
        return "dead" if effects[RESPONSE] <= -DEAD_EFFECT else "low"
    if response < -CLEARLY or (response < offset / 4 and effects[OFFSET] > DEAD_EFFECT):
        return "stuck"
    if response > max(offset, hot):
        return "stuck" if effects[RESPONSE] > DEAD_EFFECT else "high"
    return "hot" if hot > offset else "offset"


def _by_template(
    evidence: Evidence, null: Null, x: int, y: int
) -> tuple[np.ndarray, np.ndarray]:
    """Return the four scores in null sigmas, and the four effects in -1..1."""
    sums = evidence.scores[:, y, x] / UNIT
    column = min(x // BLOCK, evidence.information.shape[2] - 1)
    information = evidence.information[:, y // BLOCK, column] + null.ballast
    information = information / UNIT_INFORMATION
    spread = np.sqrt(np.maximum(information, 1e-12))
    grid = null.middle.shape[1]
    strip = min(y // null.zone, null.zones.shape[1] - 1)
    scores = (sums / spread - null.middle[:, y % grid, x]) * null.scale[:, y % grid, x]
    return scores * null.zones[:, strip, x], sums / np.maximum(information, 1e-12)


def _could_show(evidence: Evidence, template: int, x: int, y: int) -> int:
    """Return in about how many photos the pixel should fully show, were it as its template says."""
    column = min(x // BLOCK, evidence.information.shape[2] - 1)
    return round(float(evidence.information[template, y // BLOCK, column]) / UNIT_INFORMATION / 9)


def _typical(evidence: Evidence, template: int, shown: int) -> Exposure | None:
    """Return the median exposure of as many photos as show it, those that should show it most."""
    known = [e for e in evidence.exposures if e.exposure_s and e.gain]
    if not known:
        return None
    known.sort(key=lambda exposure: template_factors(exposure)[template], reverse=True)
    most = known[:shown] if template != RESPONSE else known
    times = median(e.exposure_s for e in most if e.exposure_s)
    return Exposure(times, median(e.gain for e in most if e.gain))


def single_scene_candidates(evidence: Evidence) -> tuple[Defect, ...]:
    """Return the few most point-like places of a set too small to prove anything.

    Ranked by how far each stands out against its surroundings, in every photo alike.
    """
    scenes = evidence.scenes
    if not scenes:
        return ()
    size = np.abs(evidence.excess).astype(np.float32) / np.float32(UNIT_EXCESS * scenes)
    always = np.abs(evidence.shown) == scenes
    rows, columns = np.nonzero(always & (size > 8))
    order = np.argsort(-size[rows, columns], kind="stable")[:4000]
    ranked = []
    for y, x in zip(rows[order].tolist(), columns[order].tolist(), strict=True):
        around = size[max(y - 6, 0) : y + 7, max(x - 6, 0) : x + 7].copy()
        if size[y, x] < around.max():
            continue
        around[max(y - 2, 0) - max(y - 6, 0) :][:5, max(x - 2, 0) - max(x - 6, 0) :][:, :5] = 0
        ranked.append((float(size[y, x] / (around.max() + 2)), x, y))
    ranked.sort(reverse=True)
    return tuple(
        Defect(
            x=x, y=y, kind="unknown",
            strength=float(evidence.excess[y, x] / UNIT_EXCESS / scenes), seen=(1.0, scenes),
        )
        for _, x, y in ranked[:FEW_CANDIDATES]
    )  # fmt: skip

"""Which photosites of a simulated sensor are broken, how, and since when.

Never touches a pixel: it draws the truth, and the sensor follows it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .settings import KINDS, CameraSettings

REFERENCE_EXPOSURE_S = 1 / 60
REFERENCE_GAIN = 4.0  # ISO 400
REFERENCE_LEVEL = 0.1  # of white
HOT_DOUBLING_C = 9.5
_MARGIN_PX = 3
_SPACING_PX = 7
_COLOURS = {"R": 0, "G": 1, "B": 2}
_XTRANS = ("GBGGRG", "RGRBGB", "GBGGRG", "GRGGBG", "BGBRGR", "GRGGBG")


@dataclass(frozen=True, slots=True, kw_only=True)
class PlantedDefect:
    """One broken photosite (or `length` of them down a column): what is true of it.

    value = g * (light + dark_dn_per_s * T + offset_dn), times `sensitivity`; or `level_dn`.
    """

    x: int
    y: int
    kind: str  # one of KINDS
    site: str  # colour of the photosite: "R", "G", "B"; "W" of a mono sensor
    dark_dn_per_s: float = 0.0  # hot, blinking: excess at gain 1 and the reference temperature
    offset_dn: float = 0.0  # offset: excess at gain 1
    level_dn: int | None = None  # stuck, dead: the value itself, black included
    sensitivity: float = 1.0  # low, high
    duty: float = 1.0  # blinking: share of the time in the upper level
    dwell: int = 1  # blinking: photos for which a level lasts
    onset: int = 0  # index of the first photo that can show it
    until: int | None = None  # index of the first photo that no longer can
    length: int = 1
    amplitude_sigma: float = 0.0  # excess at the reference exposure, in noise sigmas there

    def active(self, index: int) -> bool:
        """Return whether photo `index` lies between onset and end.

        >>> PlantedDefect(x=1, y=2, kind="hot", site="R", onset=3).active(2)
        False
        """
        return index >= self.onset and (self.until is None or index < self.until)


def cfa_pattern(cfa: str) -> NDArray[np.int64]:
    """Return the repeating pattern of colours (0 red, 1 green, 2 blue), (rows, columns).

    >>> cfa_pattern("GRBG").tolist()
    [[1, 0], [2, 1]]
    """
    if cfa == "MONO":
        return np.ones((1, 1), np.int64)
    rows = _XTRANS if cfa == "XTRANS" else (cfa[:2], cfa[2:])
    return np.array([[_COLOURS[letter] for letter in row] for row in rows])


def site_of(cfa: str, x: int, y: int) -> str:
    """Return the colour letter of a photosite.

    >>> site_of("RGGB", 0, 0), site_of("RGGB", 1, 1), site_of("MONO", 0, 0)
    ('R', 'B', 'W')
    """
    if cfa == "MONO":
        return "W"
    pattern = cfa_pattern(cfa)
    return "RGB"[pattern[y % pattern.shape[0], x % pattern.shape[1]]]


def electrons_per_dn(settings: CameraSettings) -> float:
    """Return the electrons of one DN at gain 1."""
    return settings.full_well_e / (settings.white_dn - settings.black_dn)


def reference_noise_dn(settings: CameraSettings) -> float:
    """Return the noise of a good photosite, DN, at ISO 400, 1/60 s and a tenth of white."""
    conversion = electrons_per_dn(settings)
    level_dn = REFERENCE_LEVEL * (settings.white_dn - settings.black_dn)
    shot_e2 = level_dn / REFERENCE_GAIN * conversion
    read_dn2 = (settings.read_noise_e * REFERENCE_GAIN / conversion) ** 2
    shot_dn2 = shot_e2 * (REFERENCE_GAIN / conversion) ** 2
    return float(np.sqrt(shot_dn2 + read_dn2 + settings.converter_noise_dn**2))


def _signature(kind: str, amplitude: float, settings: CameraSettings) -> dict[str, float]:
    """Return the parameters that give a kind its amplitude (in sigmas) at the reference."""
    span = settings.white_dn - settings.black_dn
    excess_dn = amplitude * reference_noise_dn(settings)
    relative = excess_dn / (REFERENCE_LEVEL * span)
    match kind:
        case "hot" | "blinking":
            return {"dark_dn_per_s": excess_dn / (REFERENCE_GAIN * REFERENCE_EXPOSURE_S)}
        case "offset":
            return {"offset_dn": excess_dn / REFERENCE_GAIN}
        case "stuck":
            level = min(REFERENCE_LEVEL * span + excess_dn, span)
            return {"level_dn": int(settings.black_dn + level)}
        case "dead":
            return {"level_dn": settings.black_dn}
        case "low":
            return {"sensitivity": float(np.exp(-relative))}
        case _:
            return {"sensitivity": 1 + relative}


def _amplitude_sigma(signature: dict[str, float], settings: CameraSettings) -> float:
    """Return the excess over a good photosite at the reference exposure, in its sigmas."""
    good_dn = REFERENCE_LEVEL * (settings.white_dn - settings.black_dn)
    excess_dn = signature.get("dark_dn_per_s", 0.0) * REFERENCE_GAIN * REFERENCE_EXPOSURE_S
    excess_dn += signature.get("offset_dn", 0.0) * REFERENCE_GAIN
    excess_dn += (signature.get("sensitivity", 1.0) - 1) * good_dn
    if "level_dn" in signature:
        excess_dn = signature["level_dn"] - settings.black_dn - good_dn
    return excess_dn / reference_noise_dn(settings)


class _Ground:
    """The free photosites of a sensor."""

    def __init__(self, rng: np.random.Generator, settings: CameraSettings) -> None:
        self._rng = rng
        self._free = np.zeros((settings.height, settings.width), np.bool_)
        self._free[_MARGIN_PX:-_MARGIN_PX, _MARGIN_PX:-_MARGIN_PX] = True

    def spot(self) -> tuple[int, int]:
        """Return x, y of a photosite far from all that were given before."""
        height, width = self._free.shape
        for _ in range(1000):
            x, y = int(self._rng.integers(width)), int(self._rng.integers(height))
            if self._free[y, x]:
                self.take(x, y)
                return x, y
        raise ValueError("the sensor has no room for so many defects; make it larger")

    def take(self, x: int, y: int) -> None:
        near = slice(max(0, y - _SPACING_PX), y + _SPACING_PX + 1)
        self._free[near, max(0, x - _SPACING_PX) : x + _SPACING_PX + 1] = False


def _draw(
    rng: np.random.Generator, settings: CameraSettings, place: tuple[int, int], kind: str
) -> PlantedDefect:
    least, most = np.log(settings.amplitude_sigma)
    signature = _signature(kind, float(np.exp(rng.uniform(least, most))), settings)
    onset, until = 0, None
    if rng.random() < settings.onset_share:
        onset = int(rng.integers(1, max(settings.photos, 2)))
        if rng.random() < settings.until_share:
            until = int(rng.integers(onset + 1, max(settings.photos, onset + 1) + 1))
    duty, dwell = float(rng.uniform(0.2, 0.8)), int(rng.integers(1, 9))
    blinking = kind == "blinking"
    return PlantedDefect(
        x=place[0],
        y=place[1],
        kind=kind,
        site=site_of(settings.cfa, *place),
        onset=onset,
        until=until,
        duty=duty if blinking else 1.0,
        dwell=dwell if blinking else 1,
        amplitude_sigma=_amplitude_sigma(signature, settings),
        **signature,  # type: ignore[arg-type]  # level_dn is an int by construction
    )


def plant(rng: np.random.Generator, settings: CameraSettings) -> tuple[PlantedDefect, ...]:
    """Return the defects of a sensor: singles, then close pairs, clusters, columns.

    Singles stand at least 8 px apart. Raises ValueError where they find no room.

    >>> plant(np.random.default_rng(1), CameraSettings(defects=0))
    ()
    """
    ground = _Ground(rng, settings)
    kinds = [kind for kind, _ in settings.kind_shares]
    shares = np.array([share for _, share in settings.kind_shares])
    if unknown := set(kinds) - set(KINDS):
        raise ValueError(f"no such kinds of defect: {', '.join(sorted(unknown))}")

    def one(place: tuple[int, int]) -> PlantedDefect:
        return _draw(rng, settings, place, str(rng.choice(kinds, p=shares / shares.sum())))

    planted = [one(ground.spot()) for _ in range(settings.defects)]
    for sites in [2] * settings.close_pairs + [0] * settings.clusters:
        x, y = ground.spot()
        near = [
            (x + dx, y + dy) for dx in range(-2, 3) for dy in range(-2, 3) if (dx, dy) != (0, 0)
        ]
        count = sites or int(rng.integers(3, 7))
        others = rng.choice(len(near), count - 1, replace=False)
        planted += [one(place) for place in [(x, y), *(near[other] for other in others)]]
    planted += [_column(rng, settings) for _ in range(settings.bad_columns)]
    return tuple(planted)


def _column(rng: np.random.Generator, settings: CameraSettings) -> PlantedDefect:
    """Return an offset shared by a column from some row to the sensor's foot."""
    signature = _signature("offset", float(rng.uniform(1.0, 4.0)), settings)
    x, y = int(rng.integers(settings.width)), int(rng.integers(settings.height // 2))
    return PlantedDefect(
        x=x,
        y=y,
        kind="offset",
        site=site_of(settings.cfa, x, y),
        length=settings.height - y,
        offset_dn=signature["offset_dn"],
        amplitude_sigma=_amplitude_sigma(signature, settings),
    )

"""The methods compared: their names, what each is, and how each is built.

A bank that differs from stillpix's twin in one respect is an ablation (without a part) or a choice
(another setting). Never scores anything.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from importlib.util import find_spec
from typing import Literal

from .bank import BankSettings, Plane, Sight, Weighing, split_by_sight
from .photo import Method
from .product import NAME, Stillpix
from .rivals import LeastVariance, MeanPictureMask, MeanResidual, residual_variants
from .standing import Standing
from .voting import DarktableLike, RawpyVotes, RawTherapeeLike

Kind = Literal["product", "bank", "rival", "ablation", "choice"]
Source = Literal["JPEG", "RAW"]

TWIN = "twin of stillpix"
PLAIN, PLAIN_RAW = "plain score bank", "plain score bank, mosaic"
IMPROVED, IMPROVED_3 = "improved bank, distance 2", "improved bank, distance 3"
TWIN_RAW = "twin of stillpix, mosaic"
RAW_FLOOR = 0.2  # grey levels: 12 DN of 14 bits
USUAL_SLOPE = 1.93  # of sRGB's curve at level 0.3: for banks without a tone curve
ONLY_RANKED = Standing(
    zones=False, ballast=0.0, one_peak=False, tests=(), tail=None, floor=4.0
)  # as docs and literature have it: strata by phase, then the largest score

OWN = BankSettings(weighing=Weighing(decoys=True))


def _own(
    *, sight: Sight = OWN.sight, weighing: Weighing = OWN.weighing, **standing: object
) -> BankSettings:
    made = replace(OWN.standing, **standing)  # type: ignore[arg-type]  # dataclasses refuses wrong names
    return BankSettings(sight=sight, weighing=weighing, standing=made)


_LINEAR_TESTS = ("point", "crowd")  # effect and photos are defined by clipped weights
_LINEAR = Weighing(weight_clip=None, blocks=False, decoys=True)  # blocks need bounded weights
_UNCLIPPED_TESTS = ("effect", "point", "crowd")
_LITERATURE = Weighing(
    weight_clip=None, blocks=False, templates=("constant", "offset", "hot", "response")
)
_PLAIN_SIGHT = Sight(distance=1, predictor="middle two", cross=False, floor=2.0, slope=1.0)
_RAW_SIGHT = Sight(plane="mosaic", cross=False, floor=RAW_FLOOR, slope=1.0)


ABLATIONS: dict[str, BankSettings] = {
    "without clipping": _own(weighing=replace(OWN.weighing, clip=None), tests=_UNCLIPPED_TESTS),
    "linear weights": _own(weighing=_LINEAR, tests=_LINEAR_TESTS),
    "neither clipped": _own(weighing=replace(_LINEAR, clip=None), tests=_LINEAR_TESTS),
    "without strata": _own(strata=False, zones=False),
    "without g T": _own(templates=("offset", "response")),
    "without second pass": _own(one_peak=False),
    "without decoys": _own(tail="theory"),
}
CHOICES: dict[str, BankSettings] = {
    "distance 1": _own(sight=Sight(distance=1)),
    "distance 3": _own(sight=Sight(distance=3)),
    "middle two of eight": _own(sight=Sight(predictor="middle two")),
    "without cross filter": _own(sight=Sight(cross=False)),
    "without tone slope": _own(sight=Sight(slope=USUAL_SLOPE)),
    "floor of 1": _own(sight=Sight(floor=1.0)),
    "floor of 3": _own(sight=Sight(floor=3.0)),
    "information per pixel": _own(weighing=replace(OWN.weighing, blocks=False)),
}
BANKS: dict[str, BankSettings] = {
    TWIN: OWN,
    PLAIN: BankSettings(sight=_PLAIN_SIGHT, weighing=_LITERATURE, standing=ONLY_RANKED),
    IMPROVED: BankSettings(sight=Sight(floor=1.0), weighing=_LITERATURE, standing=ONLY_RANKED),
    IMPROVED_3: BankSettings(
        sight=Sight(distance=3, floor=1.0), weighing=_LITERATURE, standing=ONLY_RANKED
    ),
    # Of a mosaic the blocks' two rows hold two of its colours: information is kept for each pixel.
    TWIN_RAW: BankSettings(sight=_RAW_SIGHT, weighing=replace(OWN.weighing, blocks=False)),
    PLAIN_RAW: BankSettings(
        sight=replace(_RAW_SIGHT, predictor="middle two"),
        weighing=_LITERATURE,
        standing=ONLY_RANKED,
    ),
}


@dataclass(frozen=True, slots=True)
class Entry:
    """One method of the table; several variants of it may be run, the best of which is shown."""

    name: str
    kind: Kind
    source: Source
    variants: tuple[str, ...]
    build: Callable[[], Method] | None = None  # None: a bank
    needs: tuple[str, ...] = ()  # packages beyond stillpix's own


def _both(
    name: str,
    variants: Callable[[str], tuple[str, ...]],
    build: Callable[[str, Plane], Method],
    *needs: str,
) -> list[Entry]:
    """Return a rival's two entries: on the luma and on the mosaic."""
    on_mosaic = f"{name}, mosaic"
    return [
        Entry(name, "rival", "JPEG", variants(name), lambda: build(name, "luma"), needs),
        Entry(
            on_mosaic, "rival", "RAW", variants(on_mosaic), lambda: build(on_mosaic, "mosaic"),
            needs,
        ),
    ]  # fmt: skip


def _shares(shares: tuple[float, ...]) -> Callable[[str], tuple[str, ...]]:
    return lambda name: tuple(f"{name}, {share:g}" for share in shares)


def _clips(name: str) -> tuple[str, ...]:
    plain = residual_variants(name)
    return (*plain, *(f"{variant}, strata" for variant in plain))


def entries() -> list[Entry]:
    """Return all methods, in the order of the table."""
    from .voting import DARKER, DEVIATIONS, RAWPY_RATIOS

    listed = [Entry(NAME, "product", "JPEG", (NAME,), Stillpix)]
    for name, bank in BANKS.items():
        source: Source = "RAW" if bank.sight.plane == "mosaic" else "JPEG"
        listed.append(Entry(name, "bank", source, (name,)))
    listed += _both("least variance", lambda name: (name,), LeastVariance)
    listed += _both("mean residual", _clips, MeanResidual)
    listed += _both("ccdmask of the mean", lambda name: (name,), MeanPictureMask, "ccdproc")
    listed += _both("darktable-like votes", _shares(DARKER), DarktableLike)
    listed += _both("RawTherapee-like votes", _shares(DEVIATIONS), RawTherapeeLike)
    rawpy = ("rawpy, as it comes", *(f"rawpy, apart, {ratio:.0%}" for ratio in RAWPY_RATIOS))
    listed.append(Entry("rawpy.enhance", "rival", "RAW", rawpy, RawpyVotes, ("rawpy", "cv2")))
    listed += [Entry(name, "ablation", "JPEG", (name,)) for name in ABLATIONS]
    listed += [Entry(name, "choice", "JPEG", (name,)) for name in CHOICES]
    return listed


def chosen(names: list[str]) -> list[Entry]:
    """Return the methods with these names or kinds ("all" being one); raises KeyError."""
    listed = entries()
    known = {entry.name for entry in listed} | {entry.kind for entry in listed} | {"all"}
    if unknown := set(names) - known:
        raise KeyError(f"no such method or kind: {', '.join(sorted(unknown))}")
    if "all" in names:
        return listed
    return [entry for entry in listed if {entry.name, entry.kind} & set(names)]


def missing(listed: list[Entry]) -> dict[str, list[str]]:
    """Return the packages that are not installed, and the methods that need them."""
    gone: dict[str, list[str]] = {}
    for entry in listed:
        for package in entry.needs:
            if find_spec(package) is None:
                gone.setdefault(package, []).append(entry.name)
    return gone


def build(listed: list[Entry]) -> list[Method]:
    """Return new instances of some methods; banks share what they can."""
    made = [entry.build() for entry in listed if entry.build is not None]
    every = BANKS | ABLATIONS | CHOICES
    banks = {entry.name: every[entry.name] for entry in listed if entry.build is None}
    return [*made, *split_by_sight(banks)]

"""How fast and how big `stillpix fix` is, beside `jpegtran -copy all -optimize`.

jpegtran decodes each file to coefficients and codes them anew, with tables of its own: the least
that any program does that looks into a JPEG and writes it back. Needs it on the PATH (Debian:
libjpeg-turbo-progs) and xargs. Makes its own photos in a temporary folder, runs both by turns, and
prints tables. Never a test: it prints whether the limits hold, and that is all.

    python benchmarks/bench_fix.py [--photos 100] [--runs 3] [--megapixels 24] [--jobs 2]
        [--distinct 4] [--defects 20] [--folder DIR] [--json FILE]

`--folder` keeps the photos there, and uses those that are there already.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from importlib.metadata import version
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

# The parent imports nothing heavy: a child's peak memory, as Linux counts it, starts from the
# peak of the process that started it.

MOST_TIMES_JPEGTRAN = 2.0
MOST_MB = 600
MOST_COLD_S = 4.0
MOST_A_PHOTO_S = 1.5
QUALITY = 92
SEED = 24
AMPLITUDES = (60.0, 300.0)  # sigmas: the defects show, so that there is work
MAP_NAME = "camera.stillpix.json"
STEPS = ("read the file", "read coefficients", "heal", "rewrite", "verify", "write")
MOST_DISTURBED = 0.1  # share of the processors that other programs may use before it is said
SPLIT_PHOTOS = 8  # whose time is split into steps


# --- the photos ---------------------------------------------------------------------------------


def make_photos(options: argparse.Namespace) -> None:
    """Write JPEGs of one simulated camera, and the map of its defects beside their folder.

    Some are photographed; the others hold the same pictures and another time in their Exif block.
    """
    from stillpix.images import read_header
    from stillpix.maps import write_map
    from stillpix.maps.records import Defect, DefectMap
    from stillpix.simulate import CameraSettings, SimulatedCamera

    width = round((options.megapixels * 1e6 * 1.5) ** 0.5 / 16) * 16
    settings = CameraSettings(
        width=width, height=width * 2 // 3, defects=options.defects, amplitude_sigma=AMPLITUDES,
        kind_shares=(("offset", 1.0),), quality=QUALITY, subsampling="420",
        iso_range=(400, 1600), luma_denoise=0.0, sharpening=1.0, night_share=0.0, sky_share=0.2,
    )  # fmt: skip
    camera, photos = SimulatedCamera(settings, SEED), options.folder / "photos"
    photos.mkdir(parents=True, exist_ok=True)
    distinct = min(options.distinct, options.photos)
    for number in range(distinct):
        content = camera.photograph(number).jpeg()
        year = camera.taken(number).strftime("%Y:").encode()
        for copy in range(number, options.photos, distinct):
            told = content.replace(year, f"{1990 + copy // distinct % 30}:".encode())
            (photos / f"IMG_{copy + 1:04}.JPG").write_bytes(told)
        _note(f"photo {number + 1} of {distinct}: {len(content) / 1e6:.1f} MB")
    defects = tuple(Defect(x=each.x, y=each.y, state="confirmed") for each in camera.defects)
    sensor = read_header(photos / "IMG_0001.JPG").sensor
    write_map(DefectMap(sensor, defects), options.folder / MAP_NAME)


# --- where the time of one photo goes -----------------------------------------------------------


def split_times(options: argparse.Namespace) -> dict[str, Any]:
    """Repair photos one after the other in one thread, and time each step; the first is not."""
    from stillpix.images import read_header
    from stillpix.maps import read_map

    defects = read_map(options.folder / MAP_NAME).in_state("confirmed")
    out = options.folder / "split"
    paths = sorted((options.folder / "photos").iterdir())[: SPLIT_PHOTOS + 1]
    times = [_steps_of(read_header(path), defects, out) for path in [paths[0], *paths]]
    shutil.rmtree(out)
    return {"steps": [dict(zip(STEPS, each, strict=True)) for each in times[1:]]}


def _steps_of(header: Any, defects: Any, out: Path) -> list[tuple[float, float]]:
    """Return each step's time and processor time in s, as repaired_file and mend go through it."""
    from stillpix.restoration import verified
    from stillpix.restoration.destinations import Placement, Route
    from stillpix.restoration.jpeg import JpegCanvas
    from stillpix.restoration.placer import Placer
    from stillpix.restoration.places import places_of
    from stillpix.restoration.repairing import repair_places
    from stillpix.rewriting.jpeg import read_coefficients, rewritten

    marks: list[tuple[float, float]] = []

    def mark() -> None:
        marks.append((time.perf_counter(), time.process_time()))

    mark()
    content, status = header.path.read_bytes(), header.path.stat()
    mark()
    image = read_coefficients(content, header.path)
    mark()
    canvas = JpegCanvas(image, header.path)
    sensor = header.sensor
    places = list(
        places_of(
            defects, header.exposure, header.white, sensor.layout, sensor.width, sensor.height
        )
    )
    verdicts = repair_places(canvas, places)
    mark()
    fixed = rewritten(image, content, header.path, canvas.changes).content
    mark()
    verified(content, fixed, header, verdicts)
    mark()
    target = out / header.path.name
    Placer(Placement(out=out, force=True)).place(
        Route(header, target), status, fixed, lambda _: None
    )
    mark()
    return [(end[0] - start[0], end[1] - start[1]) for start, end in pairwise(marks)]


# --- the contenders -----------------------------------------------------------------------------


@dataclass(slots=True)
class Run:
    """One program's way through the photos."""

    seconds: float
    cpu: float
    peak_mb: float
    others: float  # share of the processors that other programs used meanwhile
    told: str = ""


def run_fix(paths: list[Path], options: argparse.Namespace) -> Run:
    """Run `stillpix fix` as a person would."""
    out = options.folder / "fixed"
    command = [sys.executable, "-m", "stillpix", "fix", *map(str, paths), "--json"]
    command += ["--map", str(options.folder / MAP_NAME), "--out", str(out)]
    command += ["--jobs", str(options.jobs)]
    run, printed = timed(command, b"")
    shutil.rmtree(out)
    document = json.loads(printed)
    places = [place["outcome"] for photo in document["photos"] for place in photo["places"]]
    run.told = f"{places.count('repaired')} of {len(places)} places repaired"
    if document["not_repaired"] or len(document["photos"]) != len(paths):
        sys.exit(f"not all photos were repaired: {document['not_repaired'][:3]}")
    return run


def run_jpegtran(paths: list[Path], options: argparse.Namespace) -> Run:
    """Run jpegtran over the photos, several at once."""
    out = options.folder / "transcoded"
    out.mkdir()
    script = 'jpegtran -copy all -optimize -outfile "$0/${1##*/}" "$1"'
    command = ["xargs", "-0", "-n1", f"-P{options.jobs}", "sh", "-c", script, str(out)]
    run, _ = timed(command, b"\0".join(os.fsencode(path) for path in paths))
    sizes = sum(path.stat().st_size for path in out.iterdir())
    before = sum(path.stat().st_size for path in paths)
    run.told = f"{sizes / before:.1%} of the size"
    shutil.rmtree(out)
    return run


CONTENDERS: dict[str, Callable[[list[Path], argparse.Namespace], Run]] = {
    "jpegtran -copy all -optimize": run_jpegtran,
    "stillpix fix": run_fix,
}


def timed(command: list[str], given: bytes) -> tuple[Run, bytes]:
    """Run a program and return what it took, with all that it started, and what it printed."""
    start, busy = time.perf_counter(), _busy_s()
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(given)
        process.stdin.close()
        printed = process.stdout.read()
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    seconds = time.perf_counter() - start
    if process.returncode:
        sys.exit(f"{command[:4]} ended with status {process.returncode}")
    cpu = usage.ru_utime + usage.ru_stime
    others = max(0.0, _busy_s() - busy - cpu) / (seconds * (os.cpu_count() or 1))
    peak_mb = usage.ru_maxrss / (1e6 if sys.platform == "darwin" else 1e3)
    return Run(seconds, cpu, peak_mb, others), printed


def _busy_s() -> float:
    """Return the processor time that all programs have used; 0 where the system does not say."""
    try:
        line = Path("/proc/stat").read_text(encoding="utf-8").partition("\n")[0].split()
    except OSError:
        return 0.0
    user, nice, system = (int(ticks) for ticks in line[1:4])
    return (user + nice + system) / float(os.sysconf("SC_CLK_TCK"))


def _note(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


# --- measuring ----------------------------------------------------------------------------------


@dataclass(slots=True)
class Figures:
    """All that was measured."""

    about: str = ""
    photos: int = 0
    jobs: int = 2
    runs: dict[str, list[Run]] = field(default_factory=dict)
    cold: list[Run] = field(default_factory=list)  # one photo, new process, kernels compiled
    steps: list[dict[str, tuple[float, float]]] = field(default_factory=list)  # one a photo

    def median(self, name: str, key: str) -> float:
        """Return the median of a contender's runs."""
        return float(statistics.median(getattr(run, key) for run in self.runs[name]))


def measure(options: argparse.Namespace) -> Figures:
    """Run both by turns, so that a slow minute of the machine hits each of them."""
    paths = sorted((options.folder / "photos").iterdir())[: options.photos]
    figures = Figures(about(options, paths), len(paths), options.jobs)
    for name, run in CONTENDERS.items():  # fills the disk cache, and that of compiled kernels
        figures.runs[name] = []
        run(paths[:2], options)
    for _ in range(options.runs):
        figures.cold.append(run_fix(paths[:1], options))
    for number in range(options.runs):
        for name, run in CONTENDERS.items():
            figures.runs[name].append(run(paths, options))
            _note(f"run {number + 1}, {name}: {figures.runs[name][-1]}")
    figures.steps = json.loads(in_child("split", options))["steps"]
    return figures


def in_child(child: str, options: argparse.Namespace) -> str:
    """Run this script in a fresh process, and return what it printed."""
    command = [sys.executable, __file__, "--child", child, "--folder", str(options.folder)]
    for name in ("photos", "megapixels", "distinct", "defects"):
        command += [f"--{name}", str(getattr(options, name))]
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout


def about(options: argparse.Namespace, paths: list[Path]) -> str:
    """Return lines on what was measured and with what."""
    sizes = [path.stat().st_size / 1e6 for path in paths]
    packages = ", ".join(f"{name} {version(name)}" for name in ("numpy", "numba"))
    program = subprocess.run(["jpegtran", "-version"], capture_output=True, text=True, check=False)
    program_name = (program.stderr or program.stdout).partition("\n")[0]
    return (
        f"{len(paths)} JPEGs of {options.megapixels:g} MP ({options.distinct} different "
        f"pictures), quality {QUALITY}, 4:2:0, {min(sizes):.1f} to {max(sizes):.1f} MB, "
        f"{options.defects} defects each; {options.jobs} at once; medians of {options.runs}.\n"
        f"{_processor()}, {os.cpu_count()} cores, {platform.system()}; "
        f"Python {platform.python_version()}, {packages}; {program_name}."
    )


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()


# --- the tables ---------------------------------------------------------------------------------


def table(figures: Figures) -> Iterator[str]:
    """Yield the lines of a table: both programs over all photos, and one from a cold start."""
    yield "|  | s | CPU, s | ms a photo | x jpegtran | peak, MB | said |"
    yield "|---|--:|--:|--:|--:|--:|---|"
    base = figures.median("jpegtran -copy all -optimize", "seconds")
    for name, runs in figures.runs.items():
        seconds = figures.median(name, "seconds")
        cells = [name, f"{seconds:.2f}", f"{figures.median(name, 'cpu'):.2f}"]
        cells += [f"{1000 * seconds / figures.photos:.0f}", f"{seconds / base:.2f}"]
        cells += [f"{max(run.peak_mb for run in runs):.0f}", runs[-1].told]
        yield f"| {' | '.join(cells)} |"
    seconds, cpu = (statistics.median(getattr(r, key) for r in figures.cold)
                    for key in ("seconds", "cpu"))  # fmt: skip
    peak = max(run.peak_mb for run in figures.cold)
    cells = ["stillpix fix, one photo from a cold start", f"{seconds:.2f}", f"{cpu:.2f}"]
    cells += [f"{1000 * seconds:.0f}", "", f"{peak:.0f}", figures.cold[-1].told]
    yield f"| {' | '.join(cells)} |"


def steps_table(figures: Figures) -> Iterator[str]:
    """Yield the lines of a table: where the time of one photo goes, in one thread."""
    yield f"| one photo, medians of {len(figures.steps)} | ms | CPU, ms |"
    yield "|---|--:|--:|"
    for name in STEPS:
        both = (statistics.median(each[name][n] for each in figures.steps) for n in (0, 1))
        yield f"| {name} | {' | '.join(f'{1000 * seconds:.0f}' for seconds in both)} |"
    both = (own_time(figures, n) for n in (0, 1))
    yield f"| all | {' | '.join(f'{1000 * seconds:.0f}' for seconds in both)} |"


def own_time(figures: Figures, number: int = 0) -> float:
    """Return the median seconds that one photo takes by itself; 1: of processor time."""
    sums = (sum(step[number] for step in each.values()) for each in figures.steps)
    return float(statistics.median(sums))


def verdicts(figures: Figures) -> Iterator[str]:
    """Yield a line a limit: what it is, what was measured, whether it holds."""
    jpegtran, fix = CONTENDERS
    ratio = figures.median(fix, "seconds") / figures.median(jpegtran, "seconds")
    limit = f"at most {MOST_TIMES_JPEGTRAN:g} x the time of {jpegtran}"
    cpu = figures.median(fix, "cpu") / figures.median(jpegtran, "cpu")
    told = f"{ratio:.2f} x; {cpu:.2f} x the processor time"
    yield _verdict(limit, told, holds=ratio <= MOST_TIMES_JPEGTRAN)
    peak = max(run.peak_mb for run in figures.runs[fix])
    limit = f"at most {MOST_MB} MB with {figures.jobs} photos at once"
    yield _verdict(limit, f"{peak:.0f} MB", holds=peak <= MOST_MB)
    cold = statistics.median(run.seconds for run in figures.cold)
    limit = f"one photo from a cold start in at most {MOST_COLD_S:g} s"
    yield _verdict(limit, f"{cold:.2f} s", holds=cold <= MOST_COLD_S)
    own = own_time(figures)
    limit = f"at most {MOST_A_PHOTO_S:g} s of its own a photo"
    yield _verdict(limit, f"{own:.2f} s", holds=own <= MOST_A_PHOTO_S)
    for name, runs in {**figures.runs, f"{fix}, cold": figures.cold}.items():
        shares = [run.others for run in runs]
        if max(shares) > MOST_DISTURBED:
            told = ", ".join(f"{share:.0%}" for share in shares)
            yield f"- DISTURBED: {name}: others used {told} of the processors"


def _verdict(limit: str, measured: str, *, holds: bool) -> str:
    return f"- {'holds' if holds else 'MISSED'}: {limit} (measured: {measured})"


# --- the command line ---------------------------------------------------------------------------


def parse() -> argparse.Namespace:
    """Return the options; --child is this script's own."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--photos", type=int, default=100)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--megapixels", type=float, default=24)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--distinct", type=int, default=4, help="different pictures among them")
    parser.add_argument("--defects", type=int, default=20)
    parser.add_argument("--folder", type=Path, help="where photos are kept for the next run")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--child", choices=("make", "split"), help=argparse.SUPPRESS)
    return parser.parse_args()


def main() -> None:
    """Make the photos where there are none, measure, and print the tables."""
    # Before numpy is loaded, here and in the children: as the command line has it.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    options = parse()
    if options.child == "make":
        make_photos(options)
    elif options.child == "split":
        print(json.dumps(split_times(options)))
    else:
        for program in ("jpegtran", "xargs"):
            if shutil.which(program) is None:
                sys.exit(f"needs {program}; on Debian: apt-get install libjpeg-turbo-progs")
        with TemporaryDirectory(prefix="bench-fix-") as temporary:
            options.folder = options.folder or Path(temporary)
            photos = options.folder / "photos"
            if not photos.is_dir() or len(list(photos.iterdir())) < options.photos:
                in_child("make", options)
            report(measure(options), options)


def report(figures: Figures, options: argparse.Namespace) -> None:
    """Print the tables and the verdicts."""
    if options.json:
        options.json.write_text(json.dumps(asdict(figures), indent=1) + "\n", encoding="utf-8")
    print(figures.about, end="\n\n")
    for part in (table, steps_table, verdicts):
        print("\n".join(part(figures)), end="\n\n")


if __name__ == "__main__":
    main()

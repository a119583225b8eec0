"""How fast and how big `stillpix find` is, beside decoding alone and the seed article's program.

Makes its own photos in a temporary folder, runs every contender in a process of its own, one
after the other, and prints a table. Never a test: it prints whether the limits hold, and that is
all.

    python benchmarks/bench_find.py [--photos 20] [--runs 3] [--megapixels 24] [--memory-run]
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from stillpix.images import Buffer

# The parent imports nothing heavy: a child's peak memory, as Linux counts it, starts from the
# peak of the process that started it.

MOST_TIMES_DECODING = {"fast": 2.0, "find": 2.5}
LEAST_TIMES_SEED = 6.0
MOST_MB = 1500
MANY_PHOTOS = 200
QUALITY = 92
NOISE_DN = 6.5  # per channel: brings a 24 MP file to some 9 MB, as cameras' are
ROOM = 1.5  # side of the field that photos are cut from, in sides of a photo
MANY_CELLS = (("seconds", 1), ("cpu", 1), ("peak_mb", 0))
MOST_DISTURBED = 0.1  # share of the processors that other programs may use before it is said
LITTLE_MEGAPIXELS = 0.1  # of the photos that kernels are warmed up on


# --- the photos ---------------------------------------------------------------------------------


def make_photos(folder: Path, count: int, options: argparse.Namespace) -> None:
    """Write JPEGs of one imaginary camera: cuts of a field of dead leaves, each with own noise."""
    import numpy as np

    from stillpix.simulate.scenes import dead_leaves, texture_tile

    seed, planted = options.seed, options.planted
    width = round((options.megapixels * 1e6 * 1.5) ** 0.5 / 48) * 48
    height = width * 2 // 3
    rng = np.random.default_rng(seed)
    size = (int(ROOM * height), int(ROOM * width))
    light = dead_leaves(rng, texture_tile(rng), size, shares=(0.0, 0.0)).light
    np.clip(light, 0, 1, out=light)
    np.power(light, 1 / 2.2, out=light)
    field_dn = (light * 255).astype(np.uint8)
    noise = rng.standard_normal(3 * size[0] * size[1], np.float32)
    noise = np.rint(noise * np.float32(NOISE_DN)).astype(np.int16)
    hot = (rng.integers(0, height, planted), rng.integers(0, width, planted))
    folder.with_suffix(".json").write_text(json.dumps([hot[0].tolist(), hot[1].tolist()]))
    del light

    def write(number: int) -> None:
        own = np.random.default_rng((seed, number))
        picture = _cut(own, field_dn, noise, (height, width))
        picture[hot] = np.minimum(picture[hot].astype(np.int16) + 70, 255)
        (folder / f"photo{number:04}.jpg").write_bytes(_encoded(picture, number))

    with ThreadPoolExecutor(options.jobs) as pool:
        list(pool.map(write, range(count)))


def _cut(rng: Any, field_dn: Any, noise: Any, size: tuple[int, int]) -> Any:
    """Return another picture: a window of the field, perhaps mirrored, brighter or darker."""
    import numpy as np

    height, width = size
    top = int(rng.integers(0, field_dn.shape[0] - height))
    left = int(rng.integers(0, field_dn.shape[1] - width))
    window = field_dn[top : top + height, left : left + width]
    window = window[:: rng.choice((-1, 1)), :: rng.choice((-1, 1))]
    brightness = (np.arange(256) * rng.uniform(0.75, 1.2)).astype(np.int16)
    start = int(rng.integers(0, noise.size - window.size))
    picture = brightness[window]
    picture += noise[start : start + window.size].reshape(picture.shape)
    return np.clip(picture, 0, 255).astype(np.uint8)


def _encoded(picture: Any, number: int) -> bytes:
    """Return a JPEG, 4:2:0, with the EXIF facts of one camera."""
    import simplejpeg
    from PIL import Image

    content: bytes = simplejpeg.encode_jpeg(picture, QUALITY, "RGB", "420")
    exif = Image.Exif()
    exif[0x010F], exif[0x0110] = "Example Works", "Benchmark One"
    details = exif.get_ifd(0x8769)
    details[0x829A], details[0x8827] = 1 / (30 << number % 4), 100 << number % 4
    details[0x9003] = f"2024:01:01 {number // 60 % 24:02}:{number % 60:02}:00"
    details[0xA431] = "0000001"
    block = exif.tobytes()
    segment = b"\xff\xe1" + (len(block) + 2).to_bytes(2, "big") + block
    return content[:2] + segment + content[2:]


# --- the contenders -----------------------------------------------------------------------------


def in_threads(read: Callable[[Path, Buffer], Any], paths: list[Path], jobs: int) -> Iterator[Any]:
    """Yield what `read` makes of each path, in order, into two buffers a thread, used in turns."""
    from stillpix.images import Buffer

    free = [Buffer() for _ in range(2 * jobs)]
    waiting: deque[tuple[Buffer, Future[Any]]] = deque()
    with ThreadPoolExecutor(jobs) as pool:
        for path in paths:
            if not free:
                buffer, future = waiting.popleft()
                yield future.result()
                free.append(buffer)
            buffer = free.pop()
            waiting.append((buffer, pool.submit(read, path, buffer)))
        for _, future in waiting:
            yield future.result()


def decode_raw(paths: list[Path], jobs: int) -> str:
    """Decode to luma with simplejpeg and nothing else, one reused buffer a thread."""
    import simplejpeg

    own = threading.local()

    def read(path: Path) -> int:
        content = path.read_bytes()
        height, width, *_ = simplejpeg.decode_jpeg_header(content)
        if not hasattr(own, "buffer"):
            own.buffer = bytearray(width * height)
        return int(simplejpeg.decode_jpeg(content, "GRAY", buffer=own.buffer).size)

    with ThreadPoolExecutor(jobs) as pool:
        return f"{sum(pool.map(read, paths)) / 1e6:.0f} MP"


def decode_frames(paths: list[Path], jobs: int) -> str:
    """Decode with the reader that find uses: header, EXIF, luma and digest."""
    from stillpix.images import Buffer, read_frame, read_header

    own = threading.local()

    def read(path: Path) -> int:
        if not hasattr(own, "buffer"):
            own.buffer = Buffer()
        return int(read_frame(read_header(path), buffer=own.buffer).pixels.size)

    with ThreadPoolExecutor(jobs) as pool:
        return f"{sum(pool.map(read, paths)) / 1e6:.0f} MP"


def find_defects(paths: list[Path], jobs: int, *, fast: bool = False) -> str:
    """Run stillpix.find as a person would, and say which of the planted pixels it found."""
    import stillpix

    (found,) = stillpix.find(paths, jobs=jobs, fast=fast)
    rows, columns = json.loads(paths[0].parent.with_suffix(".json").read_text())
    near = [
        any(
            abs(each.x - x) <= 1 and abs(each.y - y) <= 1
            for y, x in zip(rows, columns, strict=True)
        )
        for each in found.defects
    ]
    planted = f"{sum(near)} of {len(rows)} planted pixels, {len(near) - sum(near)} others"
    return f"{planted}, {found.evidence.scenes} scenes"


def find_fast(paths: list[Path], jobs: int) -> str:
    """Run it without the second look at the photos that dates are told from."""
    return find_defects(paths, jobs, fast=True)


def find_least_variance(paths: list[Path], jobs: int) -> str:
    """Run the least variance finder over all colour values."""
    from stillpix.evidence.least_variance import SubpixelVariance
    from stillpix.images import read_colour, read_header

    def read(path: Path, buffer: Buffer) -> Any:
        return read_colour(read_header(path), buffer=buffer)

    variance = SubpixelVariance(read_header(paths[0]).sensor)
    variance.update_all(in_threads(read, paths, jobs))
    first = variance.least(10)[0]
    return f"index {first.index} (sum {first.sum_of_squares:.0f})"


def run_seed(paths: list[Path], jobs: int) -> str:  # noqa: ARG001  # all contenders are called with it
    """Do what the article of 2011 describes: Pillow, float64 arrays n, mean, M2, delta; argmin."""
    import numpy as np
    from PIL import Image

    with Image.open(paths[0]) as image:
        shape = np.array(image).shape
    n, mean, m2, delta = (np.zeros(shape) for _ in range(4))
    for path in paths:
        with Image.open(path) as image:
            photo = np.array(image)
        if photo.shape != shape:
            continue
        n += 1
        np.subtract(photo, mean, out=delta)
        mean += delta / n
        m2 += delta * (photo - mean)
    index = int(np.argmin(m2))
    return f"index {index} (sum {m2.reshape(-1)[index]:.0f})"


@dataclass(frozen=True, slots=True)
class Contender:
    """One way to go through the photos."""

    name: str
    run: Callable[[list[Path], int], str]
    again: bool = True  # timed a second time in the same process


CONTENDERS = {
    "raw": Contender("decode only: simplejpeg", decode_raw),
    "frames": Contender("decode only: read_frame", decode_frames),
    "fast": Contender("stillpix.find, fast=True", find_fast),
    "find": Contender("stillpix.find", find_defects),
    "variance": Contender("least variance of stillpix", find_least_variance),
    "seed": Contender("seed article's program", run_seed, again=False),
}


# --- a process for each run ---------------------------------------------------------------------


def run_child(arguments: argparse.Namespace) -> None:
    """Warm up imports and kernels on the little photos, then time the contender."""
    if arguments.child == "make":
        make_photos(arguments.folder, arguments.photos, arguments)
        return
    import resource

    contender = CONTENDERS[arguments.child]
    contender.run(sorted(arguments.little.iterdir()), arguments.jobs)
    paths = sorted(arguments.folder.iterdir())[: arguments.photos]
    start, cpu_start = time.perf_counter(), time.process_time()
    told = contender.run(paths, arguments.jobs)
    seconds, cpu = time.perf_counter() - start, time.process_time() - cpu_start
    again = seconds
    if contender.again:  # once more, when the system has given the process its memory
        start = time.perf_counter()
        contender.run(paths, arguments.jobs)
        again = time.perf_counter() - start
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    peak_mb = peak / 1e6 if sys.platform == "darwin" else peak / 1e3
    measured = {"seconds": seconds, "again": again, "cpu": cpu, "peak_mb": peak_mb, "told": told}
    print(json.dumps(measured))


def in_child(child: str, folder: Path, photos: int, options: argparse.Namespace) -> dict[str, Any]:
    """Run this script in a fresh process and return what it measured, and its whole wall time."""
    command = [sys.executable, __file__, "--child", child, "--folder", str(folder)]
    command += ["--photos", str(photos), "--jobs", str(options.jobs), "--seed", str(options.seed)]
    command += ["--planted", str(options.planted)]
    command += ["--megapixels", str(options.megapixels), "--little", str(options.little)]
    start, busy, own = time.perf_counter(), _busy_s(), os.times()
    finished = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    wall, now = time.perf_counter() - start, os.times()
    mine = sum(now[2:4]) - sum(own[2:4])  # of finished children: user, system
    others = max(0.0, _busy_s() - busy - mine) / (wall * (os.cpu_count() or 1))
    return {**json.loads(finished.stdout or "{}"), "wall": wall, "others": others}


def _busy_s() -> float:
    """Return the processor time that all programs have used; 0 where the system does not say."""
    try:
        line = Path("/proc/stat").read_text(encoding="utf-8").partition("\n")[0].split()
    except OSError:
        return 0.0
    user, nice, system = (int(ticks) for ticks in line[1:4])
    return (user + nice + system) / float(os.sysconf("SC_CLK_TCK"))


@dataclass(slots=True)
class Figures:
    """What was measured of one contender."""

    runs: list[dict[str, Any]] = field(default_factory=list)
    many: dict[str, Any] | None = None  # with MANY_PHOTOS

    def median(self, key: str) -> float:
        """Return the median over the runs, in s or MB."""
        return float(statistics.median(run[key] for run in self.runs))


def measure(options: argparse.Namespace, folder: Path) -> dict[str, Figures]:
    """Run all contenders in turns, so that a slow minute of the machine hits each of them."""
    figures = {name: Figures() for name in options.only}
    for name in options.only:  # fills the disk cache, and the cache of compiled kernels
        in_child(name, folder, min(2, options.photos), options)
    for run in range(options.runs):
        for name in options.only:
            figures[name].runs.append(in_child(name, folder, options.photos, options))
            _note(f"run {run + 1}, {name}: {figures[name].runs[-1]['seconds']:.2f} s")
    if options.memory_run:
        for name in options.only:
            figures[name].many = in_child(name, folder, MANY_PHOTOS, options)
            _note(f"{MANY_PHOTOS} photos, {name}: {figures[name].many}")
    return figures


def _note(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


# --- the table ----------------------------------------------------------------------------------


def machine(options: argparse.Namespace, folder: Path) -> str:
    """Return a line on what was measured and with what."""
    sizes = [path.stat().st_size / 1e6 for path in folder.iterdir()]
    packages = ("numba", "numpy", "simplejpeg", "pillow")
    return (
        f"{options.photos} JPEGs of {options.megapixels:g} MP, quality {QUALITY}, 4:2:0, "
        f"{min(sizes):.1f} to {max(sizes):.1f} MB; {options.jobs} threads; "
        f"medians of {options.runs}.\n"
        f"{_processor()}, {os.cpu_count()} cores, {platform.system()}; "
        f"Python {platform.python_version()}, "
        + ", ".join(f"{name} {version(name)}" for name in packages)
        + "."
    )


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()


def table(figures: dict[str, Figures], photos: int) -> Iterator[str]:
    """Yield the lines of a markdown table."""
    many = any(each.many for each in figures.values())
    heads = ["", "s", "CPU, s", "ms a photo", "x decoding", "whole process, s", "peak, MB"]
    heads += [f"{MANY_PHOTOS} photos: s", "CPU, s", "peak, MB"] if many else []
    yield f"| {' | '.join([*heads, 'said'])} |"
    yield "|---|" + "--:|" * (len(heads) - 1) + "---|"
    base = figures["raw"].median("seconds") if "raw" in figures else float("nan")
    for name, each in figures.items():
        seconds = each.median("seconds")
        cells = [CONTENDERS[name].name, f"{seconds:.2f}", f"{each.median('cpu'):.2f}"]
        cells += [f"{1000 * seconds / photos:.0f}"]
        cells += [f"{seconds / base:.2f}", f"{each.median('wall'):.2f}"]
        cells += [f"{max(run['peak_mb'] for run in each.runs):.0f}"]
        if each.many:
            cells += [f"{each.many[key]:.{digits}f}" for key, digits in MANY_CELLS]
        yield f"| {' | '.join([*cells, each.runs[-1]['told']])} |"


def verdicts(figures: dict[str, Figures], photos: int) -> Iterator[str]:
    """Yield a line a limit: what it is, what was measured, whether it holds."""
    if "find" not in figures:
        return
    find = figures["find"]
    seconds = find.median("seconds")
    for name in ("fast", "find"):
        if name in figures:
            yield from _beside_decoding(name, figures)
    if "seed" in figures:
        ratio = figures["seed"].median("seconds") / seconds
        limit = f"at least {LEAST_TIMES_SEED:.0f} x faster than the seed article's program"
        yield _verdict(limit, f"{ratio:.1f} x", holds=ratio >= LEAST_TIMES_SEED)
    peak = max(run["peak_mb"] for run in find.runs)
    yield _verdict(f"at most {MOST_MB} MB", f"{peak:.0f} MB", holds=peak <= MOST_MB)
    if find.many:
        peak, more = find.many["peak_mb"], find.many["peak_mb"] / peak
        limit = f"at most {MOST_MB} MB for {MANY_PHOTOS} photos, the same as for {photos}"
        measured = f"{peak:.0f} MB, {more:.2f} x"
        yield _verdict(limit, measured, holds=peak <= MOST_MB and more <= 1.05)
        # of one run only, so in processor time, which other programs disturb less
        growth = find.many["cpu"] / find.median("cpu") / (MANY_PHOTOS / photos)
        limit = "processor time in proportion to the number of photos, or less"
        yield _verdict(limit, f"{growth:.2f} x of it", holds=growth <= 1.1)


def _beside_decoding(name: str, figures: dict[str, Figures]) -> Iterator[str]:
    most, own = MOST_TIMES_DECODING[name], figures[name]
    for other in ("raw", "frames"):
        if other in figures:
            limit = f"{CONTENDERS[name].name}: at most {most:.1f} x {CONTENDERS[other].name}"
            ratio = own.median("seconds") / figures[other].median("seconds")
            yield _verdict(limit, f"{ratio:.2f} x", holds=ratio <= most)
            ratio = own.median("again") / figures[other].median("again")
            limit += ", both run a second time in their process"
            yield _verdict(limit, f"{ratio:.2f} x", holds=ratio <= most)


def disturbances(figures: dict[str, Figures]) -> Iterator[str]:
    """Yield a line for each contender whose runs shared the machine with other programs."""
    for name, each in figures.items():
        shares = [run["others"] for run in (*each.runs, *([each.many] if each.many else []))]
        if max(shares) > MOST_DISTURBED:
            told = ", ".join(f"{share:.0%}" for share in shares)
            yield f"- DISTURBED: {CONTENDERS[name].name}: others used {told} of the processors"


def _verdict(limit: str, measured: str, *, holds: bool) -> str:
    return f"- {'holds' if holds else 'MISSED'}: {limit} (measured: {measured})"


# --- the command line ---------------------------------------------------------------------------


def parse() -> argparse.Namespace:
    """Return the options; --child, --folder and --little are this script's own."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--photos", type=int, default=20)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--megapixels", type=float, default=24)
    parser.add_argument("--memory-run", action="store_true", help=f"{MANY_PHOTOS} photos, too")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--planted", type=int, default=60, help="broken pixels")
    parser.add_argument("--only", nargs="+", choices=CONTENDERS, default=list(CONTENDERS))
    parser.add_argument("--child", help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--little", type=Path, help=argparse.SUPPRESS)
    return parser.parse_args()


def main() -> None:
    """Make the photos, measure, print."""
    options = parse()
    if options.child:
        run_child(options)
        return
    with TemporaryDirectory(prefix="stillpix-bench-") as temporary:
        folder, options.little = Path(temporary, "photos"), Path(temporary, "little")
        little = argparse.Namespace(**{**vars(options), "megapixels": LITTLE_MEGAPIXELS})
        for where, count, how in (
            (options.little, 6, little),
            (folder, MANY_PHOTOS if options.memory_run else options.photos, options),
        ):
            where.mkdir()
            in_child("make", where, count, how)
        _note("the photos are made")
        figures = measure(options, folder)
        print(machine(options, folder), "", *table(figures, options.photos), "", sep="\n")
        print(*verdicts(figures, options.photos), *disturbances(figures), sep="\n")


if __name__ == "__main__":
    main()

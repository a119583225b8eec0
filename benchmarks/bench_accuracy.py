"""How many of a camera's defects are found, how many finds are wrong, and by what other methods.

Simulates cameras (random ones: CFA phase, demosaicing, noise, tone, sharpening, JPEG quality and
subsampling differ), shows each photo to stillpix, to rival methods and to ablations, and prints
tables; see docs/accuracy.md. Development cameras have seeds 1 to 99. A seed that was scored while
the finder changed no longer proves anything: take new ones, and say in benchmarks/README.md which.

    python benchmarks/bench_accuracy.py [--cameras 10] [--first 1001] [--photos 20 60]
        [--methods all | product bank rival ablation choice NAME ...] [--defects 100]
        [--size 1500x1000] [--scenes FOLDER] [--clean] [--json FILE] [--condensed FILE]
        [--plots FOLDER]

Without `--methods` stillpix runs alone; `make bench-accuracy` runs all methods over 20, 60 and 200
photos. The JSON file is written anew after each camera. `--from FILE ...` makes tables and plots of
such files instead; with `--page docs/accuracy.md` it renews the generated parts of that page.
`--condensed benchmarks/accuracy/measured.json.gz` writes the small file from which the page's
tables and plots can be made again.
"""

from __future__ import annotations

import argparse
import platform
import resource
import shlex
import sys
import time
from pathlib import Path
from statistics import median

from accuracy.cameras import Plan, run, run_clean
from accuracy.methods import Entry, chosen, missing
from accuracy.page import renewed
from accuracy.results import Results
from accuracy.summary import Table, condensed
from accuracy.tables import everything

LENGTHS = (5, 10, 20, 40, 60, 100, 200)  # photos after which stillpix alone is scored


def tell(words: str) -> None:
    """Say how far it is."""
    print(words, file=sys.stderr, flush=True)


def wanted(names: list[str]) -> list[Entry]:
    """Return the methods asked for, without those whose packages are not installed."""
    try:
        listed = chosen(names)
    except KeyError as error:
        sys.exit(str(error.args[0]))
    for package, methods in missing(listed).items():
        tell(f"left out: {', '.join(methods)} (no {package}; pip install -e '.[bench]')")
        listed = [entry for entry in listed if package not in entry.needs]
    return listed


def machine() -> str:
    """Return the processor's name and the versions that matter."""
    import numba
    import numpy as np

    name = platform.processor() or platform.machine()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        lines = cpuinfo.read_text(encoding="utf-8").splitlines()
        names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
        name = f"{len(names)} cores of {names[0]}" if names else name
    versions = f"Python {platform.python_version()}, numba {numba.__version__}"
    return f"{name}, {platform.system()}; {versions}, numpy {np.__version__}"


def options_of(arguments: list[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--cameras", type=int, default=10)
    parser.add_argument("--first", type=int, default=1001, help="seed of the first camera")
    parser.add_argument("--photos", type=int, nargs="+", default=[20, 60])
    parser.add_argument("--methods", nargs="+", default=["product"])
    parser.add_argument("--defects", type=int, default=100)
    parser.add_argument("--size", default="1500x1000")
    parser.add_argument("--scenes", type=Path)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--clean", action="store_true", help="the cameras without defects, too")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--condensed", type=Path, help="file to keep: enough for all tables")
    parser.add_argument("--plots", type=Path, help="folder for the plots (needs matplotlib)")
    parser.add_argument(
        "--from", type=Path, nargs="+", dest="sources",
        help="JSON files of earlier runs over different cameras",
    )  # fmt: skip
    parser.add_argument("--page", type=Path, help="page whose generated parts to renew")
    return parser.parse_args(arguments)


def repeatable(arguments: list[str]) -> list[str]:
    """Return the command line without the files it writes: what another run needs."""
    written = {"--json", "--condensed", "--plots", "--page"}
    pairs = zip(arguments, ["", *arguments], strict=False)
    return [word for word, before in pairs if word not in written and before not in written]


def measured(options: argparse.Namespace) -> Results:
    """Run the cameras."""
    width, height = map(int, options.size.split("x"))
    plan = Plan(
        seeds=range(options.first, options.first + options.cameras), photos=options.photos,
        lengths=[n for n in LENGTHS if n < max(options.photos)], defects=options.defects,
        width=width, height=height, scenes=options.scenes, jobs=options.jobs,
    )  # fmt: skip
    results = Results(
        command=f"python benchmarks/bench_accuracy.py {shlex.join(repeatable(sys.argv[1:]))}",
        machine=machine(), size=options.size,
    )  # fmt: skip
    began = time.monotonic()

    def keep() -> None:
        results.minutes = round((time.monotonic() - began) / 60, 1)
        results.peak_mb = round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
        if options.json:
            results.save(options.json)

    run(plan, wanted(options.methods), results, tell, keep)
    if options.clean:
        run_clean(plan, results, tell)
    keep()
    return results


def main() -> None:
    """Run the cameras, or read what an earlier run found, and print what came of it."""
    options = options_of()
    if options.sources:
        results = Results.joined([Results.load(path) for path in options.sources])
        if options.json:
            results.save(options.json)
    else:
        results = measured(options)
    if options.condensed:
        condensed(results).save(options.condensed)
    print(everything(Table(results)))
    if options.defects == 0:
        worst = median(run.own.false for run in results.runs if run.own and run.rate is None)
        print(f"\nno defects planted: {worst:g} finds a camera (median)")
    print(f"\n{results.machine}; {results.minutes} minutes, at most {results.peak_mb:.0f} MB")
    if options.plots:
        from accuracy.plots import draw

        draw(Table(results), options.plots)
    if options.page:
        text = options.page.read_text(encoding="utf-8")
        options.page.write_text(renewed(text, Table(results)), encoding="utf-8")


if __name__ == "__main__":
    main()

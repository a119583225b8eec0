"""The recipes of docs/scale.md, as they are written there: two machines, Slurm, and Kubernetes.

Machines are network namespaces of this computer, whose only way to each other is one cable. In
place of Slurm stands a program that does what `sbatch` says of an array of jobs; Kubernetes' part,
to give each pod its number, is done here.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

import pytest

from stillpix.maps import read_map
from stillpix.maps.library import Library
from stillpix.maps.map_file import as_text
from support import costs, series

pytestmark = [pytest.mark.slow, pytest.mark.skipif(os.name != "posix", reason="runs sh")]
yaml = pytest.importorskip("yaml")
PAGE = Path(__file__).parents[2] / "docs" / "scale.md"
MACHINES = {"head": "10.213.7.1", "other": "10.213.7.2"}
SBATCH = r"""#!/bin/sh
# sbatch --wait --array=1-N%M ... --wrap COMMAND: each task of the array, one after the other.
while [ $# -gt 0 ]; do
    case "$1" in
        --array=1-*%*) last=${1#--array=1-}; last=${last%\%*} ;;
        --wrap) command=$2; shift ;;
        --wait | --cpus-per-task=* | --mem=*) ;;
        *) echo "sbatch: unrecognized option '$1'" >&2; exit 1 ;;
    esac
    shift
done
for number in $(seq "$last"); do
    SLURM_ARRAY_TASK_ID=$number sh -c "$command" || exit 1
done
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("recipes") / "photos"
    series.write(folder, range(12))
    return folder


@pytest.fixture(scope="module")
def local(folder):
    return series.map_text(folder)


def recipes(section):
    """Return the blocks of commands below a heading, without what they say of themselves."""
    text = PAGE.read_text(encoding="utf-8").partition(f"\n## {section}\n")[2].partition("\n## ")[0]
    assert text, f"no {section} in {PAGE.name}"
    blocks = re.findall(r"^```(?:yaml)?\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    return [re.sub(r"[ ]{2,}#.*", "", block) for block in blocks]


def put(recipe, **changes):
    """Return a recipe with other folders and numbers; each must be there."""
    for old, new in changes.items():
        assert old in recipe, f"no {old} in {recipe}"
        recipe = recipe.replace(old, str(new))
    return recipe


def environment(tmp_path):
    programs = f"{tmp_path}/bin:{Path(sys.executable).parent}"
    return {
        **os.environ, "PATH": f"{programs}:{os.environ['PATH']}",
        "STILLPIX_LIBRARY": str(tmp_path / "library"),
    }  # fmt: skip


def run(command, tmp_path, machine=(), **variables):
    done = subprocess.run(
        [*machine, "bash", "-euo", "pipefail", "-c", command], cwd=tmp_path, text=True,
        env=environment(tmp_path) | variables, capture_output=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout


def only_map(folder):
    (path,) = folder.iterdir()
    return as_text(read_map(path))


def map_of_library(tmp_path):
    ((_, found),) = Library(tmp_path / "library").maps()
    return as_text(found)


def ip(*arguments):
    program = shutil.which("ip", path=os.environ["PATH"] + ":/sbin:/usr/sbin")
    if program is None or os.getuid() != 0:
        pytest.skip("network namespaces need root and the program ip")
    done = subprocess.run([program, *arguments], capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"ip {' '.join(arguments)}: {done.stderr.strip()}")


@contextmanager
def two_machines():
    """Give for each of two network namespaces with a cable between them how a command begins."""
    names = {machine: f"stillpix-{os.getpid()}-{machine}" for machine in MACHINES}
    cable = [f"sp{os.getpid()}{end}" for end in "ab"]
    made = []
    try:
        for name in names.values():
            ip("netns", "add", name)
            made.append(name)
        ip("link", "add", cable[0], "type", "veth", "peer", "name", cable[1])
        for (machine, name), end in zip(names.items(), cable, strict=True):
            ip("link", "set", end, "netns", name)
            ip("-n", name, "addr", "add", f"{MACHINES[machine]}/24", "dev", end)
            for link in ("lo", end):
                ip("-n", name, "link", "set", link, "up")
        yield {machine: ("ip", "netns", "exec", name) for machine, name in names.items()}
    finally:
        for name in made:
            ip("netns", "del", name)


@contextmanager
def going_on(command, tmp_path, machine):
    """Run a command on a machine until the block ends."""
    none = subprocess.DEVNULL
    with subprocess.Popen(
        [*machine, *command.split()], cwd=tmp_path, env=environment(tmp_path), stdout=none,
        stderr=none,
    ) as process:  # fmt: skip
        try:
            yield
        finally:
            process.terminate()


def test_a_dask_cluster_of_two_machines(folder, local, tmp_path):
    (recipe, *_) = recipes("A Dask cluster")
    recipe = put(recipe, **{"/nas/photos": folder, "/nas/sums": tmp_path / "sums"})
    recipe = put(recipe, head=MACHINES["head"], **{"--nworkers 8": "--nworkers 1"})
    scheduler, worker, find = recipe.splitlines()[-3:]

    with (
        two_machines() as machines,
        going_on(scheduler, tmp_path, machines["head"]),
        going_on(worker, tmp_path, machines["other"]),
    ):
        _wait_for_the_scheduler(tmp_path, machines["other"])
        run(f"{find} --out maps", tmp_path, machines["head"])

    assert only_map(tmp_path / "maps") == local


def _wait_for_the_scheduler(tmp_path, machine):
    answers = f"(: > /dev/tcp/{MACHINES['head']}/8786) 2>/dev/null && echo yes || true"
    end = time.monotonic() + costs.LONGEST_S
    while not run(answers, tmp_path, machine):
        assert time.monotonic() < end, "the scheduler does not answer"
        time.sleep(0.2)


def test_several_machines_and_a_nas(folder, local, tmp_path):
    (alone, part) = recipes("One computer, and a NAS")
    plan, merge = put(
        alone, **{"/nas/photos": f"{folder} --photos 3", "/nas/plan": tmp_path / "plan"}
    ).splitlines()
    part = put(part, **{"/nas/plan": tmp_path / "plan", "% 3": "% 2"})

    with two_machines() as machines:
        run(plan.partition("|")[0], tmp_path, machines["head"])
        run(part, tmp_path, machines["head"])
        assert len([*tmp_path.glob("plan/*/sums.zip")]) == 2
        run(put(part, **{"== 1": "== 0"}), tmp_path, machines["other"])
        assert len([*tmp_path.glob("plan/*/sums.zip")]) == 4
        run(merge, tmp_path, machines["head"])

    assert map_of_library(tmp_path) == local


def test_one_computer(folder, local, tmp_path):
    (alone, _) = recipes("One computer, and a NAS")

    run(put(alone, **{"/nas/photos": folder, "/nas/plan": tmp_path / "plan"}), tmp_path)

    assert map_of_library(tmp_path) == local


def test_slurm(folder, local, tmp_path):
    (recipe,) = recipes("Slurm")
    sbatch = tmp_path / "bin" / "sbatch"
    sbatch.parent.mkdir()
    sbatch.write_text(SBATCH)
    sbatch.chmod(0o755)

    run(put(recipe, **{"/data/photos": f"{folder} --photos 5", "/data": tmp_path}), tmp_path)

    assert only_map(tmp_path / "maps") == local


def test_kubernetes(folder, local, tmp_path):
    (recipe,) = recipes("Kubernetes")
    job = yaml.safe_load(recipe)
    pod = job["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    plan = f"stillpix shard plan {folder} --photos 5 --out {tmp_path}/plan > {tmp_path}/shards.txt"
    run(plan, tmp_path)
    shards = len((tmp_path / "shards.txt").read_text().splitlines())

    *shell, command = container["command"]
    for number in range(shards):
        run(put(command, **{"/data": tmp_path}), tmp_path, JOB_COMPLETION_INDEX=str(number))
    run("stillpix merge plan --out maps", tmp_path)

    assert (job["apiVersion"], job["kind"], shell) == ("batch/v1", "Job", ["sh", "-c"])
    assert job["spec"]["completionMode"] == "Indexed"
    assert job["spec"].keys() <= JOB_FIELDS
    assert container.keys() <= CONTAINER_FIELDS
    assert pod["restartPolicy"] == "Never"
    assert [each["name"] for each in pod["volumes"]] == [
        each["name"] for each in container["volumeMounts"]
    ]
    assert only_map(tmp_path / "maps") == local


JOB_FIELDS = {"completionMode", "completions", "parallelism", "backoffLimit", "template"}
CONTAINER_FIELDS = {"name", "image", "command", "resources", "volumeMounts"}

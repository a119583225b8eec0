"""`stillpix find` when it is interrupted: what is done is kept, and the next find goes on."""

from __future__ import annotations

import os
import re
import signal

import pytest
from typer.testing import CliRunner

from stillpix.cli import app, progress
from stillpix.maps import read_map
from support import costs, holding, starting

POSIX = pytest.mark.skipif(os.name == "nt", reason="signals of POSIX")
pytestmark = pytest.mark.usefixtures("library")


def run(*arguments, **options):
    return CliRunner().invoke(app, ["find", *map(str, arguments)], **options)


def interrupted(go_on, *arguments, after=6, **options):
    """Run a find that stands still after so many readings, and press Ctrl-C."""
    return holding.interrupted(
        go_on, "find", *arguments, held="stillpix.scan.looking.read_frame", after=after, **options
    )


@POSIX
def test_ctrl_c_keeps_what_is_done_and_the_next_find_goes_on_to_the_same_map(
    many, library, tmp_path
):
    status, printed, complained = interrupted(tmp_path / "go", many)

    ((_, partly),) = library.maps()
    assert status == 130
    assert 0 < partly.evidence.photos < 40
    assert "map: " in printed
    assert "nothing to repair" not in printed  # nobody can know that yet
    assert holding.AGAIN in complained
    assert complained.endswith(
        f"stopped: {40 - partly.evidence.photos} photos not read; run the same command again: it "
        "goes on from there\n"
    )

    run(many)
    run(many, "--out", library.root / "whole.json")

    ((path, resumed),) = library.maps()
    whole = read_map(library.root / "whole.json")
    assert resumed.evidence.photos == 40
    assert resumed == whole
    assert path.read_bytes() == (library.root / "whole.json").read_bytes()


@POSIX
def test_ctrl_c_without_a_library_says_that_the_next_find_begins_again(many, tmp_path):
    status, _, complained = interrupted(tmp_path / "go", many, "--out", tmp_path / "x.json")

    assert status == 130
    assert (
        "the map covers the photos that were read; run the same command again to read "
        "all" in complained
    )
    assert 0 < read_map(tmp_path / "x.json").evidence.photos < 40


@POSIX
def test_a_second_ctrl_c_stops_at_once_and_what_was_kept_before_stays(many, library, tmp_path):
    run(many / "IMG_0000.JPG")
    ((path, _),) = library.maps()
    before = path.read_bytes()

    status, printed, complained = interrupted(tmp_path / "go", many, times=2)

    assert (status, printed) == (130, ""), complained
    assert "Traceback" not in complained
    assert "stopped at once; everything saved before is unchanged" in complained
    assert path.read_bytes() == before
    assert "39 new photos read, 1 known" in run(many).stdout


@POSIX
def test_ctrl_c_in_the_second_look_keeps_the_map_and_the_next_find_adds_the_dates(
    many, library, tmp_path
):
    status, printed, complained = interrupted(
        tmp_path / "go", many, after=46, once="again for dates"
    )

    ((_, partly),) = library.maps()
    assert (status, partly.evidence.photos) == (130, 40)
    assert "40 new photos read, " in printed
    assert "not read again for dates; run the same command again" in complained

    again = run(many)
    run(many, "--out", library.root / "whole.json")

    ((path, resumed),) = library.maps()
    assert "no new photos read, 40 known from before, " in again.stdout
    assert " read again for dates" in again.stdout
    assert all(one.since for one in resumed.in_state("confirmed"))
    assert path.read_bytes() == (library.root / "whole.json").read_bytes()


@POSIX
def test_a_second_ctrl_c_in_the_second_look_keeps_what_was_read(many, library, tmp_path):
    status, printed, complained = interrupted(
        tmp_path / "go", many, times=2, after=46, once="again for dates"
    )

    assert (status, printed, library.maps()) == (130, "", [])
    assert "Traceback" not in complained
    said = run(many).stdout
    assert re.search(r"no new photos read, 40 known from before, \d+ read again", said)
    assert len(library.maps()) == 1


def interrupted_while_looking():
    """Run the command line, and press Ctrl-C as it reads what a file says of itself."""
    from stillpix.__main__ import main
    from stillpix.images import gather

    read = gather.read_headers

    def interrupting(path, **options):
        os.kill(os.getpid(), signal.SIGINT)
        return read(path, **options)

    gather.read_headers = interrupting
    main()


@POSIX
def test_ctrl_c_while_photos_are_looked_for_stops_without_a_traceback(many):
    ran = starting.Program(interrupted_while_looking, "find", many)

    assert ran.communicate(costs.LONGEST_S) == ("", "stillpix: stopped\n")
    assert ran.returncode == 130


def test_a_ctrl_c_that_is_meant_for_another_program_stops_nothing():
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with progress.Progress() as watch, progress.stopping_on_interrupt(watch):
            signal.raise_signal(signal.SIGINT)
            assert not watch.stop()
    finally:
        signal.signal(signal.SIGINT, before)

"""The command line keeps libraries to one thread each, unless the user says otherwise."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

CHILD = """
from pathlib import Path

from stillpix.__main__ import keep_to_one_thread_a_photo

keep_to_one_thread_a_photo()
import numpy as np

square = np.ones((600, 600)) @ np.ones((600, 600))
print(len(list(Path("/proc/self/task").iterdir())))
"""


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="threads are counted in /proc")
@pytest.mark.skipif((os.cpu_count() or 1) < 2, reason="one processor has one thread anyway")
@pytest.mark.parametrize("own", [None, "2"])
def test_linear_algebra_has_one_thread_or_as_many_as_the_user_says(own):
    environment = {
        name: value for name, value in os.environ.items() if not name.endswith("_NUM_THREADS")
    }
    if own:
        environment["OPENBLAS_NUM_THREADS"] = own

    done = subprocess.run(
        [sys.executable, "-c", CHILD], env=environment, capture_output=True, text=True, check=True
    )

    assert int(done.stdout) == int(own or 1)

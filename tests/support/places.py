"""Where things are that tests read: the checkout, kept files of earlier versions, real photos."""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
EARLIER = Path(__file__).parent / "states"
AXE = Path(__file__).parent / "vendor" / "axe.min.js"
# Real photographs, where they are at hand beside the checkout.
REAL = ROOT.parent / "shared" / "data"

"""The report of a find: one HTML file with every broken pixel, and the reasons for each.

Reads the few photos that show the defects best and least, and never decides what is broken.
"""

from __future__ import annotations

from .destination import require_report_place, write_report
from .page import Report, page_of
from .section import Section, Subject, section_of

__all__ = [
    "Report",
    "Section",
    "Subject",
    "page_of",
    "require_report_place",
    "section_of",
    "write_report",
]

"""A structured report as a tree to read."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

import streamlit as st

from dicomcore import instances
from dicomcore.documents.report import ReportLine
from dicomcore.services import Services
from dicomcore.visitor import Visitor
from pages.widgets import looks
from pages.widgets.words import EMPTY

STYLE = """
<style>
.report { border: 1px solid rgba(128,140,150,.35); border-radius: 6px; padding: .8rem 1rem; max-width: 62rem; }
.report div { padding: .12rem 0 .12rem .9rem; margin-left: calc(var(--depth) * 1.15rem);
  border-left: 2px solid rgba(128,140,150,.3); overflow-wrap: anywhere; white-space: pre-wrap; line-height: 1.45; }
.report .part { font-weight: 600; margin-top: .5rem; }
.report b { font-weight: 600; } .report .value { margin-left: .5rem; }
</style>
"""


def show(services: Services, visitor: Visitor, instance_id: str) -> None:
    """The report of one instance, whole or with a note of what is left out."""
    report = instances.report(services, visitor, instance_id)
    looks.heading(report.title, report.state or "no word on whether it is complete", f"report-{instance_id}")
    st.html(STYLE + tree(report.lines))
    if report.note:
        st.caption(report.note)


def tree(lines: Sequence[ReportLine]) -> str:
    """The lines as HTML: what is in the file is text in it, whatever it looks like."""
    return f'<div class="report" role="list">{"".join(map(_line, lines))}</div>'


def _line(line: ReportLine) -> str:
    style = f'style="--depth: {line.depth}" role="listitem" aria-level="{line.depth + 1}"'
    name = escape(line.name)
    if line.kind == "CONTAINER":
        return f'<div class="part" {style}>{name or "Section"}</div>'
    value = f'<span class="value">{escape(line.value) or EMPTY}</span>'
    return f"<div {style}>{f'<b>{name}</b>' if name else ''}{value}</div>"

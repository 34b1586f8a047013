"""What a verification has shown, to keep: an HTML page made to be printed, and a CSV that belongs to it.

Both are streamed from the journal, and are the same whenever they are made.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from html import escape
from pathlib import Path
from typing import Any

from dicomcore import reports, verification
from dicomcore.errors import UsageError
from dicomcore.journal import jobs, proofs
from dicomcore.model import Job, Scan, Selection
from dicomcore.owner_only import owner_only
from dicomcore.scan.paths import printable
from dicomcore.services import Services
from dicomcore.wording import counted, to_the_second

CSV_COLUMNS = (
    "path",
    "outcome",
    "reason",
    "sha256",
    "md5",
    "archive_md5",
    "archive_id",
    "bytes",
    "other_file",
    "sop_instance_uid",
)
EXTRA = "In the archive, and in no file of the folder."

#: Spreadsheets take a file for UTF-8 by this.
BYTE_ORDER_MARK = "\ufeff"

STYLE = """
@page { size: A4; margin: 14mm 12mm 16mm; @bottom-right { content: counter(page) " / " counter(pages) } }
* { box-sizing: border-box }
html { background: #fff; color: #16202a; font: 10pt/1.4 system-ui, "Segoe UI", "Noto Sans", sans-serif;
  -webkit-print-color-adjust: exact; print-color-adjust: exact }
body { max-width: 190mm; margin: 0 auto; padding: 8mm 4mm }
h1 { font-size: 18pt; margin: 0 0 1mm; letter-spacing: -.01em }
h2 { font-size: 12pt; margin: 8mm 0 2mm; break-after: avoid }
p { margin: 0 0 2mm }
.from, .why, dt, th, .sign { color: #55626e }
.verdict { margin: 5mm 0; padding: 3mm 4mm; border: .4mm solid; border-left-width: 2mm; font-size: 12pt }
.verdict, .sum { font-weight: 600 }
.proven { border-color: #1f7a54; background: #eef8f3 }
.missing { border-color: #b33c3c; background: #fdf1f1 }
dl { display: grid; grid-template-columns: 38mm 1fr; gap: 1mm 3mm; margin: 5mm 0 0 }
dd { margin: 0; overflow-wrap: anywhere }
table { width: 100%; border-collapse: collapse; table-layout: fixed; font-size: 8pt }
thead { display: table-header-group }
tr { break-inside: avoid }
th { text-align: left; border-bottom: .3mm solid #16202a; padding: 1mm }
td { vertical-align: top; border-bottom: .2mm solid #d5dbe0; padding: 1mm; overflow-wrap: anywhere }
.digest { font: 5.8pt/1.5 ui-monospace, "DejaVu Sans Mono", Consolas, monospace }
.sign { display: flex; gap: 10mm; margin-top: 14mm; break-inside: avoid; font-size: 8pt }
.sign div { flex: 1; border-top: .2mm solid; padding-top: 1mm }
@media print { body { padding: 0; max-width: none } }
"""


def expect_writable(target: Path) -> None:
    """Raises ``UsageError`` before the hours of reading and not after them."""
    if target.is_dir() or not target.parent.is_dir():
        raise UsageError(f"{target} cannot be written: give the name of a file in a folder that there is.")


def write(blocks: Iterable[bytes], target: Path) -> None:
    """Write a certificate or its CSV, block by block. Raises ``UsageError``."""
    try:
        with open(target, "wb", opener=owner_only) as out:
            out.writelines(blocks)
    except OSError as error:
        raise UsageError(f"{target} cannot be written: {error.strerror}.") from error


def csv_blocks(services: Services, batch_id: str) -> Iterator[bytes]:
    """Every file, then what only the archive has, then the folders that could not be read: UTF-8, line by line.

    Raises ``UsageError`` for what is no finished verification. Noted as an export.
    """
    job = verification.finished(services, batch_id)
    reports.note_export(services, batch_id, files=job.total or 0)
    yield from _csv(services, job)


def _csv(services: Services, job: Job) -> Iterator[bytes]:
    yield (BYTE_ORDER_MARK + reports.csv_line(CSV_COLUMNS)).encode()
    for row in _csv_rows(services, job):
        yield reports.csv_line(row).encode()


def csv_digest(services: Services, batch_id: str) -> str:
    """SHA-256 (hex) of the CSV. Raises as ``csv_blocks``."""
    digest = hashlib.sha256()
    for block in _csv(services, verification.finished(services, batch_id)):
        digest.update(block)
    return digest.hexdigest()


def html_blocks(services: Services, batch_id: str) -> Iterator[bytes]:
    """The certificate, UTF-8, part by part. Raises as ``csv_blocks``. Noted as an export."""
    job = verification.finished(services, batch_id)
    reports.note_export(services, batch_id, certificate=1)
    return (part.encode() for part in _html(services, job))


def _csv_rows(services: Services, job: Job) -> Iterator[tuple[Any, ...]]:
    for row in proofs.lines(services.journal, job.job_id):
        yield (
            *(row[name] for name in ("path", "outcome", "reason", "sha256", "md5", "archive_md5", "archive_id")),
            *(row[name] for name in ("size", "other", "sop_instance_uid")),
        )
    for row in proofs.extras(services.journal, job.job_id):
        yield ("", "extra", EXTRA, "", "", row["md5"], row["archive_id"], "", "", row["sop_instance_uid"])
    for row in proofs.unread_places(services.journal, job.scan_id):
        yield (row["path"], "folder not read", row["reason"])


def _html(services: Services, job: Job) -> Iterator[str]:
    summary = verification.verify_summary(services, job.job_id)
    scan = jobs.scan(services.journal, job.scan_id)
    yield _head(job)
    kind = "proven" if verification.is_proven(summary) else "missing"
    yield f'<p class="verdict {kind}">{escape(verification.verdict(summary))}</p>\n'
    yield f'<p class="sum">{escape(sentence(summary))}</p>\n'
    yield _facts(_what(services, job, scan, summary))
    if summary["missing"]:
        yield from _file_table("Missing", proofs.lines(services.journal, job.job_id, missing_only=True))
    if summary["extra"]:
        yield from _extra_table(proofs.extras(services.journal, job.job_id))
    if summary["unread_places"]:
        yield from _place_table(proofs.unread_places(services.journal, job.scan_id))
    yield from _file_table("Every file", proofs.lines(services.journal, job.job_id))
    yield '<div class="sign"><div>Checked by</div><div>Date</div></div>\n</body></html>\n'


def sentence(summary: dict[str, Any]) -> str:
    """``1,296 files found = 1,115 already stored + … . Unaccounted for: 0. Missing: 101. Extra: 0.``"""
    added_up = reports.sentence(summary["outcomes"], summary["found"])
    return f"{added_up} Missing: {summary['missing']:,}. Extra: {summary['extra']:,}."


def _head(job: Job) -> str:
    """Nothing in the page may load or run anything."""
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">"
        f"<title>Certificate {escape(job.job_id)}</title><style>{STYLE}</style></head><body>\n"
        "<h1>Certificate of a comparison</h1>\n"
        '<p class="from">A folder of DICOM files against an archive: every DICOM file was read whole, and the archive '
        "was asked for the MD5 of what it holds under the same ids.</p>\n"
    )


def _what(services: Services, job: Job, scan: Scan, summary: dict[str, Any]) -> Iterator[tuple[str, str]]:
    archive, program = proofs.compared_with(services.journal, job.job_id)
    selection = jobs.selection_of(services.journal, job.job_id)
    yield "Folder", printable(job.root)
    yield "Looked through", _how(scan)
    if selection != Selection():
        yield "Only a part of it", _part(selection)
    yield "Archive", archive
    yield "Begun", _moment(job.started_at)
    yield "Ended", _moment(job.finished_at)
    yield "By", job.created_by or "(not known)"
    yield "Read", f"{counted(summary['found'], 'file')}, {counted(summary['bytes'], 'byte')}"
    yield "Number", job.job_id
    yield "Made with", f"DICOM Viewer Pro {program}"
    yield "SHA-256 of the CSV", csv_digest(services, job.job_id)


def _how(scan: Scan) -> str:
    words = [
        "with its sub-folders" if scan.recursive else "without its sub-folders",
        "links followed" if scan.follow_links else "links not followed",
    ]
    return ", ".join([*words, "ZIP, tar and gzip files opened"] if scan.containers else words)


def _part(selection: Selection) -> str:
    """What was chosen when the folder was imported."""
    chosen = {
        "folders": [printable(folder) or "." for folder in selection.folders],
        "modalities": selection.modalities,
        "PatientIDs": selection.patient_ids,
        "study date from": [selection.date_from.isoformat()] if selection.date_from else [],
        "study date to": [selection.date_to.isoformat()] if selection.date_to else [],
    }
    return "; ".join(f"{name}: {', '.join(values)}" for name, values in chosen.items() if values)


def _moment(at: float | None) -> str:
    return f"{to_the_second(at)} UTC" if at else ""


def _facts(told: Iterable[tuple[str, str]]) -> str:
    rows = "".join(f"<dt>{escape(name)}</dt><dd>{escape(value)}</dd>" for name, value in told)
    return f"<dl>{rows}</dl>\n"


def _file_table(title: str, rows: Iterable[Any]) -> Iterator[str]:
    yield _table_head(title, ("File, and why", "43%"), ("Outcome", "12%"), ("SHA-256, MD5, id in the archive", "45%"))
    for row in rows:
        path = escape(printable(row["path"])).replace("/", "/<wbr>")
        why = escape(_why(row))
        digests = "<br>".join(escape(row[name]) for name in ("sha256", "md5", "archive_id") if row[name])
        yield (
            f"<tr><td>{path}{f'<br><span class=why>{why}</span>' if why else ''}</td>"
            f'<td>{escape(row["outcome"])}</td><td class="digest">{digests}</td></tr>\n'
        )
    yield "</tbody></table>\n"


def _why(row: Any) -> str:
    """The reason, with the MD5 and the file that it speaks of."""
    parts = [row["reason"]]
    if row["outcome"] == "conflict" and row["archive_md5"]:
        parts.append(f"Its MD5: {row['archive_md5']}.")
    if row["other"]:
        parts.append(f"See {printable(row['other'])}")
    return " ".join(filter(None, parts))


def _extra_table(rows: Iterable[Any]) -> Iterator[str]:
    yield _table_head(
        "Extra: in the archive, and in no file of the folder", ("SOP Instance UID", "55%"), ("MD5, id", "45%")
    )
    for row in rows:
        uids = (
            f'{escape(row["sop_instance_uid"])}<br><span class="why">series {escape(row["series_instance_uid"])}<br>'
            f"study {escape(row['study_instance_uid'])}</span>"
        )
        digests = "<br>".join(escape(row[name]) for name in ("md5", "archive_id") if row[name])
        yield f'<tr><td>{uids}</td><td class="digest">{digests}</td></tr>\n'
    yield "</tbody></table>\n"


def _place_table(rows: Iterable[Any]) -> Iterator[str]:
    yield _table_head("Folders that could not be read", ("Folder", "50%"), ("Why", "50%"))
    for row in rows:
        yield f"<tr><td>{escape(printable(row['path']))}</td><td>{escape(row['reason'])}</td></tr>\n"
    yield "</tbody></table>\n"


def _table_head(title: str, *columns: tuple[str, str]) -> str:
    """The head of a table comes again on every printed page."""
    heads = "".join(f'<th style="width:{width}">{escape(name)}</th>' for name, width in columns)
    return f"<h2>{escape(title)}</h2>\n<table><thead><tr>{heads}</tr></thead><tbody>\n"

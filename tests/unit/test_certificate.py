"""A certificate: totals that add up, a line for every file, and nothing in it that could run or load anything."""

from __future__ import annotations

import csv
import hashlib
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from dicomcore import __version__, certificate, verification
from dicomcore.errors import UsageError
from dicomcore.services import Services
from tests.factories import ct, write, write_study
from tests.one_process import OneProcess

HOSTILE = "=cmd|' '!A1 <script>alert(1)</script>.dcm"


class Page(HTMLParser):
    """The tags of a page, and the text of its cells."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data


@pytest.fixture
def batch_id(services: OneProcess, tmp_path: Path) -> str:
    """Six files that the archive has, one that it has not, one that is not DICOM, and one extra instance."""
    folder = tmp_path / "source"
    write_study(folder)
    extra = write(tmp_path / "extra.dcm", ct(series=2, image=9))
    services.import_folder(str(folder), free=True)
    services.archive.store(extra, None)
    write(folder / HOSTILE, ct(series=1, image=8))
    write(folder / "notes.txt", b"a note")
    return verification.start_verify(services, str(folder), free=True)


def html(services: Services, batch_id: str) -> str:
    return b"".join(certificate.html_blocks(services, batch_id)).decode()


def rows(services: Services, batch_id: str) -> list[dict[str, Any]]:
    text = b"".join(certificate.csv_blocks(services, batch_id)).decode("utf-8-sig")
    return list(csv.DictReader(text.splitlines()))


def test_the_page_says_what_was_compared_with_what_and_the_sum(services: OneProcess, batch_id: str) -> None:
    text = Page(html(services, batch_id)).text
    assert (
        "8 files found = 6 already stored + 1 not DICOM + 1 pending. Unaccounted for: 0. Missing: 1. Extra: 1." in text
    )
    assert "1 DICOM file of this folder is missing" in text
    for told in (batch_id, str(services.settings.data_dir / "archive"), f"DICOM Viewer Pro {__version__}", " UTC"):
        assert told in text


def test_the_page_has_a_line_for_every_file_and_every_extra(services: OneProcess, batch_id: str) -> None:
    page = Page(html(services, batch_id))
    assert sum(tag == "tr" for tag, _ in page.tags) == 3 + 1 + 1 + 8  # three heads, missing, extra, every file
    digest = hashlib.sha256((Path(services.job(batch_id).root.decode()) / "series1" / "image1.dcm").read_bytes())
    assert digest.hexdigest() in page.text
    assert str(ct(series=2, image=9).SOPInstanceUID) in page.text


def test_names_of_files_stay_text_and_nothing_is_loaded(services: OneProcess, batch_id: str) -> None:
    page = Page(html(services, batch_id))
    assert HOSTILE in page.text
    assert not {tag for tag, _ in page.tags} & {"script", "img", "link", "iframe", "a", "form", "object"}
    assert not any({"src", "href", "srcset"} & set(attributes) for _, attributes in page.tags)


def test_the_csv_has_every_line_and_no_formula(services: OneProcess, batch_id: str) -> None:
    found = rows(services, batch_id)
    assert [row["outcome"] for row in found].count("extra") == 1
    assert len(found) == 8 + 1
    (odd,) = [row for row in found if "script" in row["path"]]
    assert odd["path"] == f"'{HOSTILE}"
    assert (odd["outcome"], odd["reason"]) == ("pending", "The archive does not have it.")
    for row in found:
        if row["outcome"] == "already stored":
            assert row["md5"] == row["archive_md5"]
            assert len(row["sha256"]) == 64


def test_the_page_names_the_csv_that_belongs_to_it(services: OneProcess, batch_id: str, tmp_path: Path) -> None:
    certificate.write(certificate.csv_blocks(services, batch_id), tmp_path / "c.csv")
    named = re.search("SHA-256 of the CSV([0-9a-f]{64})", Page(html(services, batch_id)).text)
    assert named
    assert named[1] == hashlib.sha256((tmp_path / "c.csv").read_bytes()).hexdigest()


def test_it_is_the_same_whenever_it_is_made(services: OneProcess, batch_id: str) -> None:
    before = html(services, batch_id)
    services.archive.remove(next(iter(services.archive.instances())))
    assert html(services, batch_id) == before


def test_only_a_finished_verification_is_certified(services: OneProcess, tmp_path: Path) -> None:
    write(tmp_path / "one" / "1.dcm", ct())
    imported = services.import_folder(str(tmp_path / "one"), free=True)
    with pytest.raises(UsageError, match="no verification"):
        certificate.html_blocks(services, imported)


def test_what_could_not_be_read_is_in_both(services: OneProcess, tmp_path: Path) -> None:
    write(tmp_path / "one" / "1.dcm", ct())
    services.import_folder(str(tmp_path / "one"), free=True)
    batch_id = verification.start_verify(services, str(tmp_path / "one"), free=True)
    with services.journal.transaction() as writing:
        scan_id = services.job(batch_id).scan_id
        writing.execute("INSERT INTO skipped VALUES (?, ?, ?, 1)", (scan_id, b"closed", "Permission denied"))
    summary = verification.verify_summary(services, batch_id)
    assert not verification.is_proven(summary)
    assert verification.verdict(summary).endswith("1 folder could not be read.")
    assert "Permission denied" in Page(html(services, batch_id)).text
    assert rows(services, batch_id)[-1]["outcome"] == "folder not read"

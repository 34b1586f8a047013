"""Same ids, other bytes: both sides are shown, and only a person's decision changes what the archive holds."""

from __future__ import annotations

import hashlib
import json
import os
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from typer.testing import CliRunner

from dicomcore import conflicts, history
from dicomcore.archive.base import Archive
from dicomcore.archive.folder import FolderArchive
from dicomcore.archive.local import LocalOrthanc
from dicomcore.archive.orthanc import OrthancArchive
from dicomcore.cache import queries
from dicomcore.cli.app import app
from dicomcore.errors import ArchiveUnreachable, BackupFailed, NotReplaced, Rejected, SourceLost, UsageError
from dicomcore.journal import audit, decisions, jobs, outcomes, replacements, reports
from dicomcore.model import Receipt, Selection, Status
from dicomcore.reports import import_summary, is_trouble
from dicomcore.services import Services, read_header
from dicomcore.settings import Settings
from tests.factories import ct, write
from tests.one_process import OneProcess


@pytest.fixture(params=["folder", "orthanc"])
def with_each_archive(request: pytest.FixtureRequest, services: OneProcess) -> OneProcess:
    """The engine with the built-in archive, and with a real and empty Orthanc."""
    if request.param == "orthanc":
        orthanc: LocalOrthanc = request.getfixturevalue("module_orthanc")
        services.given = OrthancArchive(orthanc.ensure, "orthanc:test")
        for archive_id in list(services.given.instances()):
            services.given.remove(archive_id)
    return services


OLD, NEW, COPY, THIRD = "a/old.dcm", "b/new.dcm", "b/new copy.dcm", "c/third.dcm"


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """Three versions of one slice, one of them twice, and a slice without any trouble."""
    folder = tmp_path / "source"
    write(folder / OLD, ct())
    write(folder / NEW, ct(SeriesDescription="corrected", PixelData=bytes(512)))
    write(folder / COPY, (folder / NEW).read_bytes())
    write(folder / THIRD, ct(SeriesDescription="a third version"))
    write(folder / "a" / "other.dcm", ct(image=2))
    return folder


def imported(services: Services, folder: Path) -> str:
    return services.import_folder(str(folder), free=True)


def told(services: Services, batch_id: str) -> dict[str, str]:
    found = reports.all_outcomes(services.journal, batch_id)
    return {os.fsdecode(row["path"]).replace(os.sep, "/"): row["outcome"] for row in found}


def number(services: Services, batch_id: str, path: str) -> int:
    return conflicts.file_id_of(services, batch_id, path.replace("/", os.sep))


def md5(path: Path) -> str:
    return hashlib.md5(path.read_bytes()).hexdigest()


def held(services: Services) -> set[str]:
    """The MD5s of all that the archive holds."""
    return {services.archive.md5(archive_id) for archive_id in services.archive.instances()}


def stages(services: Services) -> list[tuple[str, str, str | None]]:
    """who, action and stage of what was audited of decisions, oldest first."""
    lines = [line for line in reversed(audit.newest(services.journal)) if line["action"] not in ("scan", "import")]
    return [(line["who"], line["action"], json.loads(line["detail"]).get("stage")) for line in lines]


def receipts(services: Services) -> dict[str, str]:
    found = services.journal.rows("SELECT path, md5 FROM receipts")
    return {os.path.basename(os.fsdecode(row["path"])): row["md5"] for row in found}


def test_a_replacement_is_proven_and_all_that_was_said_before_follows(
    with_each_archive: OneProcess, source: Path
) -> None:
    services = with_each_archive
    batch_id = imported(services, source)
    assert told(services, batch_id) == {
        OLD: "stored", NEW: "conflict", COPY: "conflict", THIRD: "conflict", "a/other.dcm": "stored",
    }  # fmt: skip
    services.refresh()
    before = held(services)
    where = conflicts.replace(services, batch_id, number(services, batch_id, NEW), "anna")
    assert held(services) == before - {md5(source / OLD)} | {md5(source / NEW)}
    assert md5(Path(where)) == md5(source / OLD)
    after = {OLD: "conflict", NEW: "stored", COPY: "duplicate", THIRD: "conflict", "a/other.dcm": "stored"}
    assert told(services, batch_id) == after
    assert services.job(batch_id).counts == {"stored": 2, "duplicate": 1, "conflict": 2}
    assert stages(services) == [("anna", "replace", "begins"), ("anna", "replace", "done")]
    new = md5(source / NEW)
    assert receipts(services) == {"new.dcm": new, "new copy.dcm": new, "other.dcm": md5(source / "a" / "other.dcm")}
    again = imported(services, source)
    assert told(services, again) == after | {NEW: "duplicate", COPY: "already stored", "a/other.dcm": "already stored"}


def test_the_cache_and_the_pictures_follow(services: OneProcess, source: Path) -> None:
    batch_id = imported(services, source)
    services.refresh()
    assert jobs.unsynced(services.journal) == []
    (file,) = (row for row in decisions.everyone(services.journal, batch_id) if row.fact.path.endswith(b"new.dcm"))
    assert max(_pixels(services.thumbnails.get(file.archive_id))) > 0
    conflicts.replace(services, batch_id, file.file_id)
    assert max(_pixels(services.thumbnails.get(file.archive_id))) == 0
    assert jobs.unsynced(services.journal) == [batch_id]
    services.refresh()
    (series,) = services.cache.rows("SELECT id, instances FROM cached_series")
    sizes = {instance.id: instance.size for instance in queries.instances_of(services.cache, series[0])}
    assert len(sizes) == series[1] == 2
    assert sizes[file.archive_id] == (source / NEW).stat().st_size


def _pixels(jpeg: bytes) -> bytes:
    return Image.open(BytesIO(jpeg)).convert("L").tobytes()


class Stubborn:
    """An archive that fails once to do one thing."""

    def __init__(self, archive: Archive, trouble: str) -> None:
        self._archive = archive
        self.trouble = trouble

    def __getattr__(self, name: str) -> Any:
        return getattr(self._archive, name)

    def store(self, path: Path, body: bytes | None) -> Receipt:
        trouble, self.trouble = self.trouble, ""
        match trouble:
            case "refuses":
                raise Rejected("It does not like this file.")
            case "changes":
                path = write(path.parent.parent / "changed", ct(SeriesDescription="changed on the way"))
                body = path.read_bytes()
            case "is gone":
                self.trouble = trouble
                raise ArchiveUnreachable("It does not answer.")
            case "dies":
                self.trouble = trouble
                raise SystemExit
        return self._archive.store(path, body)


@pytest.mark.parametrize("trouble", ["refuses", "changes"])
def test_what_fails_is_put_back_and_said(with_each_archive: OneProcess, source: Path, trouble: str) -> None:
    services = with_each_archive
    batch_id = imported(services, source)
    before, outcomes_before, receipts_before = held(services), told(services, batch_id), receipts(services)
    services.given = Stubborn(services.archive, trouble)  # type: ignore[assignment]
    with pytest.raises(NotReplaced, match="holds its old version as before"):
        conflicts.replace(services, batch_id, number(services, batch_id, NEW), "anna")
    assert held(services) == before
    assert (told(services, batch_id), receipts(services)) == (outcomes_before, receipts_before)
    assert [stage for _, _, stage in stages(services)] == ["begins", "failed"]
    assert set(conflicts.conflicts_of(services, batch_id)["decision"]) == {""}


@pytest.mark.parametrize("trouble", ["is gone", "dies"])
@pytest.mark.parametrize("then", ["replace", "keep"])
def test_a_replacement_that_broke_off_half_way_can_be_ended_either_way(
    services: OneProcess, source: Path, trouble: str, then: str
) -> None:
    batch_id = imported(services, source)
    file, well = number(services, batch_id, NEW), services.archive
    services.given = Stubborn(well, trouble)  # type: ignore[assignment]
    with pytest.raises((NotReplaced, SystemExit)):
        conflicts.replace(services, batch_id, file)
    assert md5(source / OLD) not in held(services)
    services.given = well
    shown = conflicts.compare(services, batch_id, file)
    assert "a replacement was broken off" in shown.sentence
    assert shown.decision is not None
    assert md5(Path(shown.decision.backup)) == md5(source / OLD)
    getattr(conflicts, then)(services, batch_id, file)
    there = source / (NEW if then == "replace" else OLD)
    assert held(services) == {md5(there), md5(source / "a" / "other.dcm")}
    assert told(services, batch_id)[NEW] == ("stored" if then == "replace" else "conflict")
    assert not conflicts.decision_in_words(_decision(services, batch_id, file)).startswith("replacement broken off")


def test_a_death_after_the_store_is_ended_either_way_too(services: OneProcess, source: Path) -> None:
    batch_id = imported(services, source)
    file = number(services, batch_id, NEW)
    conflict = decisions.one(services.journal, batch_id, file)
    assert conflict is not None
    backup = conflicts.replace(services, batch_id, file)
    with services.journal.transaction() as writing:  # as if the last transaction had never been
        writing.execute("UPDATE outcomes SET outcome = 'conflict', proven = 0 WHERE file_id = ?", (file,))
        writing.execute("UPDATE decisions SET done = 0")
    assert conflicts.replace(services, batch_id, file) == backup
    assert told(services, batch_id)[NEW] == "stored"
    with services.journal.transaction() as writing:
        writing.execute("UPDATE outcomes SET outcome = 'conflict', proven = 0 WHERE file_id = ?", (file,))
        writing.execute("UPDATE decisions SET done = 0")
    conflicts.keep(services, batch_id, file)
    assert held(services) == {md5(source / OLD), md5(source / "a" / "other.dcm")}


def _decision(services: Services, batch_id: str, file_id: int) -> decisions.Decision | None:
    conflict = decisions.one(services.journal, batch_id, file_id)
    return conflict.decision if conflict else None


def test_what_is_kept_is_noted_and_stays_in_conflict(services: OneProcess, source: Path) -> None:
    batch_id = imported(services, source)
    before = held(services)
    for _ in range(2):
        conflicts.keep(services, batch_id, number(services, batch_id, NEW), "anna")
    (row,) = (row for row in reports.all_outcomes(services.journal, batch_id) if row["path"].endswith(b"new.dcm"))
    assert row["outcome"] == "conflict"
    assert row["reason"].endswith("nothing was overwritten. Decided by anna: the archive keeps its own.")
    assert held(services) == before
    assert stages(services)[0] == ("anna", "keep", None)


def test_a_replaced_version_can_be_brought_back(services: OneProcess, source: Path) -> None:
    batch_id = imported(services, source)
    conflicts.replace(services, batch_id, number(services, batch_id, NEW))
    conflicts.replace(services, batch_id, number(services, batch_id, OLD))
    assert md5(source / OLD) in held(services)
    assert told(services, batch_id)[COPY] == "conflict"


def test_a_file_that_changed_since_the_import_replaces_nothing(services: OneProcess, source: Path) -> None:
    batch_id = imported(services, source)
    file, before = number(services, batch_id, NEW), held(services)
    write(source / NEW, ct(SeriesDescription="changed meanwhile, and longer"))
    for act in (conflicts.replace, conflicts.compare):
        with pytest.raises(SourceLost, match="changed since"):
            act(services, batch_id, file)
    assert (held(services), stages(services)) == (before, [])


def test_nothing_is_removed_before_the_old_version_lies_in_the_backup(
    settings: Settings, source: Path, tmp_path: Path
) -> None:
    services = OneProcess(settings.model_copy(update={"backup_dir": str(tmp_path / "no" / "such" / "folder")}))
    batch_id = services.import_folder(str(source), free=True)
    before = held(services)
    with pytest.raises(BackupFailed):
        conflicts.replace(services, batch_id, number(services, batch_id, NEW))
    assert (held(services), stages(services)) == (before, [])
    services.close()


def test_nobody_decides_while_an_import_is_at_work(services: OneProcess, source: Path) -> None:
    batch_id = imported(services, source)
    file = number(services, batch_id, NEW)
    other = jobs.create_batch(services.journal, services.job(batch_id).scan_id, Selection())
    for act in (conflicts.keep, conflicts.replace):
        with pytest.raises(UsageError, match=f"{other} is at work"):
            act(services, batch_id, file)
    jobs.cancel_idle(services.journal, other)
    conflicts.replace(services, batch_id, file)
    with pytest.raises(UsageError, match="not in conflict any more"):
        conflicts.replace(services, batch_id, file)


def test_another_archive_is_left_alone(services: OneProcess, source: Path, tmp_path: Path) -> None:
    batch_id = imported(services, source)
    file = number(services, batch_id, NEW)
    services.given = FolderArchive(tmp_path / "another", read_header)
    with pytest.raises(UsageError, match="another archive"):
        conflicts.replace(services, batch_id, file)


def test_an_earlier_import_does_not_take_the_old_bytes_for_proven_again(services: OneProcess, source: Path) -> None:
    """It has a file to retry, and its other files are in the journal with what was true then."""
    write(source / "a" / "gone.dcm", ct(image=3))
    scan_id = jobs.create_scan(services.journal, source / "a")
    services.work(scan_id)
    (source / "a" / "gone.dcm").rename(source / "aside.dcm")
    first = services.start_import(scan_id)
    assert told(services, first) == {"old.dcm": "stored", "other.dcm": "stored", "gone.dcm": "vanished"}
    second = imported(services, source / "b")
    conflicts.replace(services, second, number(services, second, "new.dcm"))
    (source / "aside.dcm").rename(source / "a" / "gone.dcm")
    services.retry(first)
    assert services.job(first).status is Status.FINISHED
    assert "old.dcm" not in receipts(services)
    assert told(services, imported(services, source / "a"))["old.dcm"] == "conflict"


def test_a_replacement_is_no_loss_of_the_archive(services: OneProcess, source: Path) -> None:
    imported(services, source / "a")
    write(source / "b" / "gone.dcm", ct(image=3))
    scan_id = jobs.create_scan(services.journal, source / "b")
    services.work(scan_id)
    (source / "b" / "gone.dcm").rename(source / "aside.dcm")
    batch_id = services.start_import(scan_id)
    conflicts.replace(services, batch_id, number(services, batch_id, "new.dcm"))
    (source / "aside.dcm").rename(source / "b" / "gone.dcm")
    services.retry(batch_id)
    assert outcomes.counts(services.journal, batch_id) == {"stored": 2, "duplicate": 1}
    assert jobs.alarm(services.journal, batch_id) == ""


def test_both_sides_are_shown(with_each_archive: OneProcess, source: Path) -> None:
    services = with_each_archive
    batch_id = imported(services, source)
    shown = conflicts.compare(services, batch_id, number(services, batch_id, THIRD))
    here, there = shown.here, shown.there
    assert (here.path, there.path) == (THIRD.replace("/", os.sep), OLD.replace("/", os.sep))
    assert (here.md5, there.md5) == (md5(source / THIRD), md5(source / OLD))
    assert (here.size, there.size) == ((source / THIRD).stat().st_size, (source / OLD).stat().st_size)
    assert there.modified == pytest.approx((source / OLD).stat().st_mtime)
    assert here.transfer_syntax == there.transfer_syntax == "Explicit VR Little Endian"
    assert shown.sentence == "Same pixels, other header elements: SeriesDescription."
    assert [(one.here, one.there) for one in shown.elements] == [("a third version", "Series 1")]


def test_an_archive_that_does_not_answer_is_no_conflict_solved(
    services: OneProcess, source: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    batch_id = imported(services, source)
    file = number(services, batch_id, NEW)

    def away(*_: object) -> Any:
        raise ArchiveUnreachable("gone")

    monkeypatch.setattr(FolderArchive, "blocks", away)
    for act in (conflicts.compare, conflicts.keep, conflicts.replace):
        with pytest.raises(ArchiveUnreachable):
            act(services, batch_id, file)
    assert stages(services) == []


@pytest.fixture
def broken_off(services: OneProcess, source: Path) -> str:
    """An import of which a replacement broke off, so that the archive holds neither version; ``a`` came before."""
    imported(services, source / "a")
    batch_id, well = imported(services, source / "b"), services.archive
    services.given = Stubborn(well, "dies")  # type: ignore[assignment]
    with pytest.raises(SystemExit):
        conflicts.replace(services, batch_id, number(services, batch_id, "new.dcm"))
    services.given = well
    assert held(services) == {md5(source / "a" / "other.dcm")}
    return batch_id


def test_what_is_kept_makes_no_later_import_a_liar(services: OneProcess, source: Path, broken_off: str) -> None:
    """Meanwhile another import has brought in the new version, with a receipt."""
    later = imported(services, source / "b")
    assert told(services, later) == {"new copy.dcm": "stored", "new.dcm": "duplicate"}
    conflicts.keep(services, broken_off, number(services, broken_off, "new.dcm"))
    assert held(services) == {md5(source / "a" / "old.dcm"), md5(source / "a" / "other.dcm")}
    assert not {"new copy.dcm", "new.dcm"} & set(receipts(services))
    assert told(services, imported(services, source / "b")) == {"new.dcm": "conflict", "new copy.dcm": "conflict"}
    assert told(services, imported(services, source / "a")) == {
        "old.dcm": "already stored", "other.dcm": "already stored",
    }  # fmt: skip


def test_no_receipt_vouches_for_what_a_replacement_may_have_removed(
    services: OneProcess, source: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    imported(services, source / "a")
    batch_id = imported(services, source / "b")
    file = number(services, batch_id, "new.dcm")

    def die(*_: object) -> None:
        raise SystemExit

    with monkeypatch.context() as patch:
        patch.setattr(replacements, "end_replacement", die)
        with pytest.raises(SystemExit):
            conflicts.replace(services, batch_id, file)
    assert told(services, imported(services, source / "a"))["old.dcm"] == "conflict"
    assert "already stored" in told(services, imported(services, source / "b")).values()
    conflicts.keep(services, batch_id, file)
    assert told(services, imported(services, source / "b"))["new.dcm"] == "conflict"


def test_a_paused_import_is_told_what_was_put_back(services: OneProcess, source: Path, broken_off: str) -> None:
    later = imported(services, source / "b")
    with services.journal.transaction() as writing:
        writing.execute("UPDATE jobs SET status = 'paused', finished_at = NULL WHERE job_id = ?", (later,))
    conflicts.keep(services, broken_off, number(services, broken_off, "new.dcm"))
    assert services.job(later).counts == {"conflict": 2}
    services.resume(later)
    assert services.job(later).counts == {"conflict": 2}


@pytest.mark.parametrize("then", ["replace", "keep"])
def test_a_replacement_that_broke_off_is_an_alarm_until_it_is_ended(
    services: OneProcess, broken_off: str, then: str
) -> None:
    summary = import_summary(services, broken_off)
    assert "Decide again under Conflicts" in summary["alarm"]
    assert is_trouble(summary)
    assert [entry.alarm for entry in history.search(services, history.Wanted(trouble=True)).entries] == [
        summary["alarm"]
    ]
    getattr(conflicts, then)(services, broken_off, number(services, broken_off, "new.dcm"))
    assert import_summary(services, broken_off)["alarm"] == ""


def test_the_old_version_is_found_where_it_was_put_after_another_backup_folder_was_chosen(
    services: OneProcess, source: Path, broken_off: str, tmp_path: Path
) -> None:
    (tmp_path / "another backup").mkdir()
    services.settings = services.settings.model_copy(update={"backup_dir": str(tmp_path / "another backup")})
    conflicts.keep(services, broken_off, number(services, broken_off, "new.dcm"))
    assert md5(source / "a" / "old.dcm") in held(services)


# ---- the command line


@pytest.fixture
def run(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setenv("DVP_DATA_DIR", str(settings.data_dir))
    monkeypatch.setenv("DVP_LOG_DIR", str(settings.log_dir))
    monkeypatch.setenv("DVP_ARCHIVE", "folder")
    return lambda *words: CliRunner().invoke(app, [*words])


def test_the_command_line_lists_shows_and_decides(services: OneProcess, source: Path, run: Any) -> None:
    batch_id = imported(services, source)
    listed = json.loads(run("conflicts", batch_id, "--json").stdout)["conflicts"]
    assert [row["path"].replace(os.sep, "/") for row in listed] == [COPY, NEW, THIRD]
    assert all(row["difference"] for row in listed)
    assert {row["archive_size"] for row in listed} == {(source / OLD).stat().st_size}
    new, third = listed[1], listed[2]
    shown = json.loads(run("conflicts", batch_id, "--show", third["path"], "--json").stdout)
    assert shown["sentence"].startswith("Same pixels")
    assert "SeriesDescription" in run("conflicts", batch_id, "--show", str(third["file_id"])).stdout
    assert isinstance(run("resolve", batch_id, new["path"], "--replace").exception, UsageError)
    assert isinstance(run("resolve", batch_id, new["path"]).exception, UsageError)
    answer = json.loads(run("resolve", batch_id, new["path"], "--replace", "--yes", "--json").stdout)
    assert md5(Path(answer["backup"])) == md5(source / OLD)
    kept = json.loads(run("resolve", batch_id, str(third["file_id"]), "--keep", "--json").stdout)
    assert (kept["decision"], kept["file"]) == ("keep", third["path"])
    in_words = run("conflicts", batch_id).stdout
    assert f"python3 run.py conflicts {batch_id} --show FILE" in in_words
    assert "difference" in in_words
    assert told(services, batch_id)[NEW] == "stored"
    assert isinstance(run("resolve", batch_id, "no/such", "--keep").exception, UsageError)

"""What the diagnosis makes of the facts: judged without a disk or a network."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from importlib.util import find_spec

import pytest
from packaging.requirements import Requirement

from dicomcore.archive.examination import OrthancSaid
from dicomcore.doctor import (
    address,
    allowed,
    archive,
    backup,
    cache,
    clock,
    codecs,
    disks,
    folder,
    journal,
    program,
    work,
)
from dicomcore.doctor import logs as log_check
from dicomcore.doctor.address import AddressFacts
from dicomcore.doctor.archive import NAMES, ArchiveFacts
from dicomcore.doctor.backup import BackupFacts
from dicomcore.doctor.cache import CacheFacts
from dicomcore.doctor.check import Check, Finding, State, summed_up, worst
from dicomcore.doctor.clock import ClockFacts
from dicomcore.doctor.codecs import Tried
from dicomcore.doctor.disks import Disk
from dicomcore.doctor.folder import FolderFacts
from dicomcore.doctor.work import WorkFacts
from dicomcore.errors import ArchiveDenied, ArchiveError, ArchiveUnreachable, ArchiveUntrusted
from dicomcore.imaging.tiny import TINY, draw_tiny
from dicomcore.journal.health import Health
from dicomcore.model import ArchiveCounts, ArchiveRules

GB = 1_000_000_000
DAY = 24 * 3600.0
NOW = 1_795_000_000.0
COUNTS = ArchiveCounts(1, 2, 3, 4)
GOOD_RULES = ArchiveRules(overwrites=False, transcodes_to="", most_bytes=0, most_patients=0)
SAID = OrthancSaid("1.12.11", GOOD_RULES, COUNTS, 5 * GB, (), NOW, NOW, None)


def one(findings: Iterable[Finding]) -> Check:
    return summed_up("A check", findings)


def fixed(check: Check) -> Check:
    """Whoever reads of trouble reads what to do."""
    assert check.said
    assert bool(check.remedy) == (check.state is not State.OK)
    return check


def chain(error: ArchiveError, url: str = "https://pacs.example.org") -> list[Check]:
    return archive.judge(ArchiveFacts(url, ours=False, said=None, error=error))


# ---- lines


def test_a_line_is_as_bad_as_the_worst_that_it_says() -> None:
    line = one([Finding(State.OK, "a"), Finding(State.BAD, "b", "Do b."), Finding(State.NOTICE, "c", "Do c.")])
    assert (line.state, line.said, line.remedy) == (State.BAD, "a; b; c", "Do b. Do c.")


def test_what_is_unknown_is_worse_than_a_notice_and_better_than_a_warning() -> None:
    assert worst([State.NOTICE, State.UNKNOWN, State.OK]) is State.UNKNOWN
    assert worst([State.UNKNOWN, State.WARNING]) is State.WARNING
    assert worst([]) is State.OK


# ---- folders and disks

DATA = FolderFacts("/data", "", 0o700, "ext4")


@pytest.mark.parametrize(
    ("facts", "state"),
    [
        (DATA, State.OK),
        (replace(DATA, mode=None, file_system=""), State.OK),
        (replace(DATA, problem="Permission denied"), State.BAD),
        (replace(DATA, mode=0o755), State.WARNING),
        (replace(DATA, file_system="nfs4"), State.WARNING),
        (replace(DATA, file_system="fuse.sshfs"), State.WARNING),
        (replace(DATA, file_system="CIFS"), State.WARNING),
        (replace(DATA, file_system="tmpfs"), State.WARNING),
        (replace(DATA, file_system="overlay"), State.NOTICE),
    ],
)
def test_a_data_folder_is_ours_alone_on_a_disk_of_this_machine(facts: FolderFacts, state: State) -> None:
    assert fixed(one(folder.judge(facts))).state is state


def test_a_network_file_system_is_named() -> None:
    assert "nfs4" in one(folder.judge(replace(DATA, file_system="nfs4"))).said


@pytest.mark.parametrize(("free", "state"), [(50 * GB, State.OK), (5 * GB, State.WARNING), (GB // 2, State.BAD)])
def test_a_disk_that_fills_up_is_told_in_time(free: int, state: State) -> None:
    line = fixed(one(disks.judge([Disk(("data", "logs"), "/data", free, 100 * GB)])))
    assert line.state is state
    assert "for data and logs" in line.said


@pytest.mark.parametrize(
    ("facts", "sizes", "state"),
    [
        (DATA, [5_000_000] * 4, State.OK),
        (DATA, [200_000_000], State.WARNING),
        (replace(DATA, problem="Read-only file system"), [], State.WARNING),
        (replace(DATA, mode=0o755), [], State.NOTICE),
    ],
)
def test_logs_are_ours_and_stay_small(facts: FolderFacts, sizes: list[int], state: State) -> None:
    assert fixed(one(log_check.judge(facts, sizes))).state is state


@pytest.mark.parametrize(
    ("facts", "state"),
    [
        (BackupFacts(""), State.NOTICE),
        (BackupFacts("/backup"), State.OK),
        (BackupFacts("/backup", there=False), State.OK),
        (BackupFacts("/backup", problem="Permission denied"), State.BAD),
        (BackupFacts("s3://bucket", tried=False), State.NOTICE),
    ],
)
def test_a_backup_folder_takes_files(facts: BackupFacts, state: State) -> None:
    assert fixed(backup.judge(facts)).state is state


def test_an_allowed_folder_that_cannot_be_read_is_named_with_its_setting() -> None:
    places = [allowed.Place("/a", "DVP_SCAN_ROOTS", ""), allowed.Place("/b", "DVP_PATH_MAP", "no answer within 4 s")]
    line = fixed(one(allowed.judge(places, limited=True)))
    assert line.state is State.WARNING
    assert "1 folder can be read; /b (DVP_PATH_MAP) cannot be read: no answer within 4 s" in line.said


# ---- the archive


def test_all_links_of_the_chain_are_well_where_all_is_well() -> None:
    checks = archive.judge(
        ArchiveFacts("http://127.0.0.1:8042", ours=False, said=replace(SAID, plugins=("dicom-web",)))
    )
    assert [check.name for check in checks] == list(NAMES[:-1])
    assert {check.state for check in checks} == {State.OK, State.NOTICE}  # its free space, which it never tells


@pytest.mark.parametrize(
    ("error", "broken"),
    [
        (ArchiveUnreachable("No answer."), 0),
        (ArchiveError("It answers with a redirect."), 0),
        (ArchiveUntrusted("Not trusted."), 1),
        (ArchiveDenied("Wrong password."), 2),
    ],
)
def test_behind_a_broken_link_nothing_was_asked_and_nothing_is_missing(error: ArchiveError, broken: int) -> None:
    checks = chain(error)
    assert [check.name for check in checks] == list(NAMES)
    assert (checks[broken].state, checks[broken].said) == (State.BAD, str(error))
    assert {(check.state, check.said) for check in checks[broken + 1 :]} == {(State.UNKNOWN, "not asked")}
    for check in checks:
        fixed(check)


def test_what_follows_the_first_line_of_an_error_is_not_repeated() -> None:
    first = chain(ArchiveUnreachable("It is not up. Its last lines:\nPatient DOE^JANE"))[0]
    assert "DOE" not in first.said + first.remedy


@pytest.mark.parametrize(
    ("version", "state"),
    [
        ("1.10.1", State.WARNING),
        ("1.12.10", State.WARNING),
        ("1.12.11", State.OK),
        ("1.13.0", State.OK),
        ("2.0.0", State.OK),
        ("mainline", State.UNKNOWN),
    ],
)
def test_a_version_with_known_holes_is_named(version: str, state: State) -> None:
    line = fixed(archive.version(version, ours=False))
    assert line.state is state
    assert ("CVE-2026-5437" in line.said) == (state is State.WARNING)


@pytest.mark.parametrize(
    ("rules", "state"),
    [
        (GOOD_RULES, State.OK),
        (ArchiveRules(), State.UNKNOWN),
        (replace(GOOD_RULES, overwrites=True), State.WARNING),
        (replace(GOOD_RULES, most_bytes=GB), State.WARNING),
    ],
)
def test_an_archive_that_changes_data_by_itself_is_named_and_silence_is_unknown(
    rules: ArchiveRules, state: State
) -> None:
    assert fixed(archive.settings_of(rules)).state is state


def test_an_archive_that_is_nearly_full_and_deletes_then_is_a_warning() -> None:
    full = archive.space(95 * GB, replace(GOOD_RULES, most_bytes=100 * GB), ours=False)
    assert fixed(full).state is State.WARNING
    assert archive.space(5 * GB, replace(GOOD_RULES, most_bytes=100 * GB), ours=False).state is State.OK


def test_the_room_left_at_an_archive_is_never_guessed() -> None:
    line = fixed(archive.space(5 * GB, GOOD_RULES, ours=False))
    assert line.state is State.NOTICE
    assert "does not tell how much room is left" in line.said


def test_plugins_are_named_but_for_what_always_comes_with_orthanc() -> None:
    assert archive.plugins(("dicom-web", "explorer.js")).said == "dicom-web"
    assert archive.plugins(("explorer.js",)).said == "none"
    assert fixed(archive.plugins(None)).state is State.UNKNOWN


@pytest.mark.parametrize(
    ("url", "state"),
    [
        ("http://127.0.0.1:8042", State.OK),
        ("http://localhost", State.OK),
        ("http://[::1]:8042", State.OK),
        ("https://pacs.example.org", State.OK),
        ("http://pacs.example.org", State.WARNING),
        ("http://localhost.example.org", State.WARNING),
    ],
)
def test_a_password_that_goes_over_the_network_as_plain_text_is_a_warning(url: str, state: State) -> None:
    assert fixed(archive.reached(ArchiveFacts(url, ours=False, said=SAID))).state is state


@pytest.mark.parametrize(
    ("ends", "state"), [(NOW + 90 * DAY, State.OK), (NOW + 10 * DAY, State.WARNING), (None, State.UNKNOWN)]
)
def test_a_certificate_that_ends_soon_is_told_before_it_does(ends: float | None, state: State) -> None:
    assert fixed(archive.certificate("https://pacs.example.org", ends, NOW)).state is state


@pytest.mark.parametrize(
    ("facts", "state"),
    [
        (CacheFacts(COUNTS, filled=True), State.OK),
        (CacheFacts(replace(COUNTS, instances=5), filled=True), State.NOTICE),
        (CacheFacts(COUNTS, filled=False), State.NOTICE),
        (CacheFacts(None, held=True), State.UNKNOWN),
        (CacheFacts(None, problem="It is damaged."), State.BAD),
    ],
)
def test_a_cache_says_what_the_archive_holds(facts: CacheFacts, state: State) -> None:
    assert fixed(cache.judge(facts, COUNTS)).state is state


# ---- journal, codecs, clocks, work

MODULES = {
    "pydicom": "pydicom",
    "pillow": "PIL",
    "python-gdcm": "gdcm",
    "pyjpegls": "jpeg_ls",
    "pylibjpeg-openjpeg": "openjpeg",
}

SOUND = Health(damage=(), orphans=0, schema=3, bytes=1000, wal_bytes=0)


@pytest.mark.parametrize(
    ("facts", "state"),
    [
        (SOUND, State.OK),
        (replace(SOUND, damage=("row 3 missing from index",)), State.BAD),
        (replace(SOUND, orphans=1), State.BAD),
        (replace(SOUND, wal_bytes=2 * GB), State.NOTICE),
    ],
)
def test_a_damaged_journal_is_bad_and_never_to_be_deleted(facts: Health, state: State) -> None:
    line = fixed(one(journal.judge(facts)))
    assert line.state is state
    assert state is not State.BAD or "never delete it" in line.remedy


@pytest.mark.parametrize("uid", TINY)
def test_the_tiny_picture_of_each_encoding_comes_out_right(uid: str) -> None:
    for package in TINY[uid].package.split(" or "):
        if not find_spec(MODULES[package]):
            pytest.skip(f"{package} is not installed: not every Python has a release")
    draw_tiny(uid)


def test_a_codec_that_is_missing_is_named_with_what_it_would_draw() -> None:
    line = fixed(one(codecs.judge([Tried("RLE", "pydicom", ""), Tried("JPEG-LS", "pyjpegls", "no decoder")])))
    assert line.state is State.WARNING
    assert "1 of 2 kinds" in line.said
    assert "JPEG-LS cannot be drawn: no decoder" in line.said
    assert "pyjpegls" in line.remedy


@pytest.mark.parametrize(
    ("facts", "state"),
    [
        (ClockFacts(NOW, "CET", None), State.OK),
        (ClockFacts(NOW, "CET", NOW - 5), State.OK),
        (ClockFacts(NOW, "CET", NOW + 3600), State.WARNING),
        (ClockFacts(0.0, "UTC", None), State.BAD),
    ],
)
def test_a_clock_that_was_set_back_or_never_set_shows(facts: ClockFacts, state: State) -> None:
    assert fixed(one(clock.judge(facts))).state is state


@pytest.mark.parametrize(("theirs", "state"), [(NOW + 1, State.OK), (NOW - 600, State.WARNING), (None, State.UNKNOWN)])
def test_the_clock_of_the_archive_is_compared_with_ours(theirs: float | None, state: State) -> None:
    assert fixed(clock.judge_of_archive(theirs, NOW)).state is state


@pytest.mark.parametrize(
    ("facts", "state"),
    [
        (WorkFacts(0, (), 0, app_runs=True), State.OK),
        (WorkFacts(2, (), 0, app_runs=True), State.OK),
        (WorkFacts(0, ("IMPORT_1",), 0, app_runs=False), State.WARNING),
        (WorkFacts(0, (), 1, app_runs=True), State.NOTICE),
    ],
)
def test_a_job_that_nobody_is_at_work_on_is_named(facts: WorkFacts, state: State) -> None:
    line = fixed(one(work.judge(facts)))
    assert line.state is state
    assert all(job in line.said for job in facts.waiting)


def test_a_watched_folder_that_is_not_watched_is_named() -> None:
    line = fixed(one(work.judge_watches([("/in", "watching"), ("/cd", "cannot be reached")])))
    assert (line.state, line.said) == (State.WARNING, "1 of 2 folders watched; /cd: cannot be reached")
    assert one(work.judge_watches([])).state is State.OK


@pytest.mark.parametrize(
    ("facts", "state"),
    [
        (AddressFacts((), "", limited=False), State.OK),
        (AddressFacts(None, "", limited=False), State.UNKNOWN),
        (AddressFacts(("127.0.0.1", "::1"), "", limited=False), State.OK),
        (AddressFacts(("0.0.0.0",), "", limited=True), State.WARNING),
        (AddressFacts(("::",), "http://pacs", limited=True), State.WARNING),
        (AddressFacts(("10.0.0.7",), "https://pacs", limited=False), State.WARNING),
        (AddressFacts(("10.0.0.7",), "https://pacs", limited=True), State.NOTICE),
    ],
)
def test_what_other_machines_can_reach_needs_tls_in_front_and_allowed_folders(
    facts: AddressFacts, state: State
) -> None:
    assert fixed(address.judge(facts)).state is state


def test_a_package_that_is_missing_or_too_old_is_named() -> None:
    wanted = [Requirement("duckdb>=2.0,<3"), Requirement("pydicom>=3.0.2,<4"), Requirement("numpy>=2.4,<3")]
    line = fixed(one(program.judge(wanted, {"duckdb": "1.9", "numpy": "2.4.6"})))
    assert (line.state, line.said) == (State.WARNING, "duckdb 1.9 is not <3,>=2.0; pydicom is missing")

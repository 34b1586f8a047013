"""Importing, and the history of imports, clicked through."""

from __future__ import annotations

import html
import re
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from dicomcore import verification
from dicomcore.journal import jobs
from dicomcore.model import Selection, Status
from tests.clicking import cells, imported, lives, markdown, page, press, scan, texts
from tests.factories import ct, dicomdir_of, write
from tests.one_process import OneProcess


def primary(app: AppTest) -> list[str]:
    """The buttons that stand out."""
    return [button.label for button in app.button if button.proto.type == "primary"]


def sentence(app: AppTest) -> str:
    """The sentence that adds up, without its links."""
    return html.unescape(re.sub(r"<[^>]+>", "", links(app)[0]))


def links(app: AppTest) -> list[str]:
    """The HTML of numbers that lead to their files."""
    return [
        found.proto.body for found in app.get("html") if "adds-up" in found.proto.body and "<a " in found.proto.body
    ]


def test_an_import_starts_from_the_scan_and_its_outcomes_add_up(engine: OneProcess, tree: Path) -> None:
    press(scan(tree), "Start Import")
    app = page("import_studies")
    assert sentence(app) == "9 files found = 8 stored + 1 not DICOM. Unaccounted for: 0."
    assert engine.batches()[0].status is Status.FINISHED


@pytest.mark.usefixtures("engine")
def test_the_plan_says_what_the_archive_will_refuse(tree: Path) -> None:
    write(tree / "no study.dcm", ct(StudyInstanceUID=None))
    assert ":red[**1** will be rejected (no UIDs)]" in markdown(scan(tree))


def test_an_import_can_be_narrowed_to_a_patient(engine: OneProcess, tree: Path) -> None:
    app = scan(tree)
    app.multiselect(key=f"patient_id-{engine.scans(1)[0].job_id}").select("P2")
    press(lives(app.run()), "Start Import")
    assert engine.archive.counts().instances == 2


@pytest.mark.usefixtures("engine")
def test_a_number_leads_to_its_files(tree: Path) -> None:
    press(scan(tree), "Start Import")
    app = page("import_studies", outcome="not DICOM")
    files = next(frame.value for frame in app.dataframe if "path" in frame.value)
    assert list(files["path"]) == ["a/README.txt"]


@pytest.mark.usefixtures("engine")
def test_an_import_that_never_was_is_said() -> None:
    assert "IMPORT\\_0" in page("import_studies", batch="IMPORT_0").error[0].value


@pytest.mark.usefixtures("engine")
def test_each_number_of_the_sentence_is_a_link_to_its_files(tree: Path) -> None:
    press(scan(tree), "Start Import")
    app = page("import_studies")
    targets = re.findall(r'href="\?batch=IMPORT_[^&"#]*([^"]*)"', links(app)[0])
    assert [html.unescape(target) for target in targets] == [
        "#files",
        "&outcome=stored#files",
        "&outcome=not+DICOM#files",
    ]


@pytest.mark.usefixtures("engine")
def test_failures_are_grouped_by_cause_with_the_remedy_and_lead_to_their_files(tree: Path) -> None:
    write(tree / "c" / "no_uid.dcm", ct(patient="P3", study=3, StudyInstanceUID=""))
    write(tree / "c" / "other.dcm", ct(patient="P1", study=1, series=1, image=1, SeriesDescription="other bytes"))
    press(scan(tree), "Start Import")
    app = page("import_studies")
    assert [re.sub("<[^>]+>", "", box) for box in links(app)[1:]] == [
        "1 file: no UIDs",
        "1 file: same ids, other bytes",
    ]
    assert "scan the folder again" in markdown(app)
    narrowed = page("import_studies", cause="no-uids")
    files = [frame.value for frame in narrowed.dataframe if "path" in frame.value][-1]
    assert list(files["path"]) == ["c/no_uid.dcm"]


def test_a_damaged_file_can_be_looked_for_again_from_its_cause(engine: OneProcess, tree: Path) -> None:
    write(tree / "c" / "no_uid.dcm", ct(patient="P3", study=3, StudyInstanceUID=""))
    press(scan(tree), "Start Import")
    before = len(engine.scans())
    press(page("import_studies"), "Scan again")
    assert len(engine.scans()) == before + 1


def test_a_paused_import_says_why_and_offers_to_go_on_or_to_give_up(engine: OneProcess, tree: Path) -> None:
    press(scan(tree), "Start Import")
    batch = engine.batches()[0].job_id
    jobs.update(engine.journal, batch, status=Status.PAUSED, message="The archive has no room left.")
    app = page("import_studies", batch=batch)
    assert "no room left" in markdown(app)
    assert {"Resume", "Cancel"} <= {button.label for button in app.button}
    assert primary(app) == ["Resume"]
    assert "Finished" not in markdown(app)


@pytest.mark.parametrize("status", [Status.PAUSED, Status.FAILED])
def test_what_was_not_read_back_yet_is_said_so(engine: OneProcess, tree: Path, status: Status) -> None:
    press(scan(tree), "Start Import")
    batch = engine.batches()[0].job_id
    with engine.journal.transaction() as writing:
        writing.execute("UPDATE outcomes SET proven = 0")
    jobs.update(engine.journal, batch, status=status)
    said = markdown(page("import_studies", batch=batch))
    assert "not read back yet" in said
    assert "verified by reading back" not in said


def test_a_failed_import_offers_to_go_on_once(engine: OneProcess, tree: Path) -> None:
    press(scan(tree), "Start Import")
    batch = engine.batches()[0].job_id
    with engine.journal.transaction() as writing:
        writing.execute("UPDATE outcomes SET outcome = 'pending', reason = '' WHERE outcome = 'stored'")
    jobs.update(engine.journal, batch, status=Status.FAILED, counts={"pending": 8, "not DICOM": 1})
    app = page("import_studies", batch=batch)
    assert [button.label for button in app.button].count("Resume") == 1
    assert primary(app) == ["Resume"]
    assert not any("pending" in text for text in texts(app))


@pytest.mark.usefixtures("engine")
def test_what_would_fail_again_is_not_tried_again(tree: Path) -> None:
    write(tree / "c" / "no_uid.dcm", ct(patient="P3", study=3, StudyInstanceUID=""))
    press(scan(tree), "Start Import")
    assert "Retry failed files" not in {button.label for button in page("import_studies").button}


@pytest.mark.usefixtures("engine")
def test_a_scan_that_was_imported_leads_to_its_import_and_shows_no_old_figures(tree: Path) -> None:
    press(scan(tree), "Start Import")
    app = page("hospital_config")
    assert primary(app) == ["Scan Directory", "See the import"]
    assert "Scan again" in {button.label for button in app.button}
    assert "to send" not in markdown(app)


@pytest.mark.usefixtures("engine")
def test_the_scan_on_show_can_be_scanned_again(engine: OneProcess, tree: Path) -> None:
    app = scan(tree)
    before = len(engine.scans())
    press(app, "Scan again")
    assert len(engine.scans()) == before + 1


@pytest.mark.usefixtures("engine")
def test_an_empty_folder_says_so(tmp_path: Path) -> None:
    (tmp_path / "nothing").mkdir()
    app = scan(tmp_path / "nothing")
    assert [info.value for info in app.info][-1] == "This folder is empty."
    assert not app.metric


@pytest.mark.usefixtures("engine")
def test_the_tabs_of_a_scan_say_how_much_is_in_them(tree: Path) -> None:
    assert "Not DICOM, and why :gray-badge[1]" in [tab.label for tab in scan(tree).tabs]


@pytest.mark.usefixtures("engine")
def test_only_dicomdirs_that_differ_from_their_folder_are_listed(tree: Path) -> None:
    write(tree / "x" / "DICOMDIR", dicomdir_of(["IM1"]))
    write(tree / "x" / "IM1", ct(patient="P3", study=3))
    write(tree / "y" / "DICOMDIR", dicomdir_of(["GONE"]))
    app = scan(tree)
    assert [list(frame.value["path"]) for frame in app.dataframe if "listed" in frame.value] == [["y/DICOMDIR"]]
    assert [tab.label for tab in app.tabs][-1] == "DICOMDIR :gray-badge[2]"
    assert "Listed on the CD, but not here :orange-badge[1]" in [box.label for box in app.expander]


def test_a_verification_is_called_one_on_its_page(engine: OneProcess, tree: Path) -> None:
    batch = verification.start_verify(engine, str(tree), free=True)
    assert [title.value for title in page("import_studies", batch=batch).title] == ["Verification"]


def test_what_the_archive_has_deleted_is_a_red_alarm(engine: OneProcess, tree: Path) -> None:
    press(scan(tree), "Start Import")
    batch = engine.batches()[0].job_id
    jobs.raise_alarm(engine.journal, batch, "The archive has deleted data.")
    app = page("import_studies")
    assert "Alarm" in app.error[0].value
    assert not app.success


def test_the_history_is_searched_by_the_url_and_lists_verifications_too(engine: OneProcess, tree: Path) -> None:
    imported(engine, tree / "a")
    imported(engine, tree / "b")
    verification.start_verify(engine, str(tree / "a"), free=True)
    assert {"Import", "Verification"} <= cells(page("import_studies", view="history"))
    assert "3 imports and verifications" in markdown(page("import_studies", view="history"))
    found = cells(page("import_studies", view="history", words=f"{tree.name}/b"))
    assert str(tree / "b") in found
    assert str(tree / "a") not in found


@pytest.mark.usefixtures("engine")
def test_a_history_without_anything_says_how_to_begin() -> None:
    assert "Scan a folder first" in page("import_studies", view="history").info[0].value


def test_a_long_history_is_paged(engine: OneProcess, tree: Path) -> None:
    for _ in range(27):
        jobs.create_batch(engine.journal, jobs.create_scan(engine.journal, tree), Selection())
    assert len(page("import_studies", view="history").dataframe[0].value) == 25
    assert len(page("import_studies", view="history", page="2").dataframe[0].value) == 2

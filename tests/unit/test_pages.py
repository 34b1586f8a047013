"""The pages, clicked through as scripts, over a real engine with the built-in archive."""

from __future__ import annotations

import html
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import streamlit as st
from pydicom.config import disable_value_validation
from pydicom.uid import BasicTextSRStorage
from streamlit.testing.v1 import AppTest

from dicomcore import reports, verification
from dicomcore.cache import queries
from dicomcore.cache.queries import PatientFilter
from dicomcore.journal import jobs
from dicomcore.model import Selection, Status
from dicomcore.settings import Settings
from pages.widgets import at_work
from tests.factories import ct, dicomdir_of, write, write_study
from tests.one_process import OneProcess
from tests.visitors import signed_in

MAIN = Path(__file__).resolve().parents[2] / "pages" / "main.py"
SECONDS = 30

HOSTILE = ["![x](http://evil/x.png)", "<script>alert(1)</script>", "=cmd()", "$x$ :smile:", "N" * 10_000]


@pytest.fixture
def engine(settings: Settings) -> Iterator[OneProcess]:
    st.cache_data.clear()
    services = OneProcess(settings)
    at_work.hand_over(services)
    with signed_in(services):
        yield services
    at_work.hand_over(None)
    services.close()


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """Two studies of two patients, a text file, and nothing odd."""
    write_study(tmp_path / "tree" / "a", patient="P1", study=1)
    write_study(tmp_path / "tree" / "b", patient="P2", study=2, series=1, images=2)
    write(tmp_path / "tree" / "a" / "README.txt", b"just words")
    return tmp_path / "tree"


def page(name: str = "", **query: str) -> AppTest:
    """A page as a new visitor sees it."""
    app = AppTest.from_file(MAIN, default_timeout=SECONDS)
    if name:
        app.switch_page(f"{name}.py")
    app.query_params.update(query)
    return lives(app.run())


def lives(app: AppTest) -> AppTest:
    assert not app.exception, app.exception[0].stack_trace
    return app


def press(app: AppTest, label: str) -> AppTest:
    return lives(next(button for button in app.button if button.label == label).click().run())


def scan(folder: object) -> AppTest:
    app = page("hospital_config")
    app.text_input(key="folder").input(str(folder))
    return press(app, "Scan Directory")


def primary(app: AppTest) -> list[str]:
    """The buttons that stand out."""
    return [button.label for button in app.button if button.proto.type == "primary"]


def metrics(app: AppTest) -> dict[str, str]:
    return {metric.label: metric.value for metric in app.metric}


def imported(engine: OneProcess, folder: Path) -> None:
    engine.import_folder(str(folder))
    engine.refresh()


def markdown(app: AppTest) -> str:
    """All that Markdown would be found in."""
    kinds = (app.markdown, app.caption, app.error, app.warning, app.info, app.success, app.title, app.header)
    texts = [element.value for kind in (*kinds, app.subheader) for element in kind]
    return "\n".join([*texts, *(button.label for button in app.button), *(metric.label for metric in app.metric)])


def sentence(app: AppTest) -> str:
    """The sentence that adds up, without its links."""
    return html.unescape(re.sub(r"<[^>]+>", "", links(app)[0]))


def links(app: AppTest) -> list[str]:
    """The HTML of numbers that lead to their files."""
    return [
        found.proto.body for found in app.get("html") if "adds-up" in found.proto.body and "<a " in found.proto.body
    ]


def cells(app: AppTest) -> set[str]:
    return {str(cell) for frame in app.dataframe for column in frame.value for cell in frame.value[column]}


def texts(app: AppTest) -> list[str]:
    return [text.value for text in app.text]


def the_patient(engine: OneProcess) -> str:
    return str(queries.search_patients(engine.cache).rows["id"][0])


def pictures(app: AppTest) -> int:
    return sum(len(images.proto.imgs) for images in app.image)


# ---- beginning


def test_without_an_engine_a_page_says_how_to_start_the_app() -> None:
    assert "python run" in page().error[0].value


def test_what_keeps_the_engine_from_starting_is_said_on_every_page() -> None:
    at_work.hand_over(None, "The journal is newer than this program.")
    assert all("journal is newer" in page(name).error[0].value for name in ("", "import_studies", "hospital_config"))
    at_work.hand_over(None)


@pytest.mark.usefixtures("engine")
def test_an_empty_app_says_how_to_begin() -> None:
    labels = {button.label for button in page().button}
    assert {"Import Existing Studies", "Load the demo", "Refresh", "Hospital Config"} <= labels


def test_the_demo_is_one_click_and_then_its_patients_are_there(engine: OneProcess) -> None:
    press(page(), "Load the demo")
    engine.refresh()
    assert "山田 太郎 (Yamada Tarou)" in cells(page())


@pytest.mark.usefixtures("engine")
def test_the_built_in_archive_says_that_it_is_one_and_how_to_get_another() -> None:
    assert any("run.py --orthanc" in info.value for info in page("hospital_config").info)


# ---- scanning


@pytest.mark.usefixtures("engine")
@pytest.mark.parametrize("typed", ["/no/such/folder", "", __file__])
def test_a_path_that_cannot_be_scanned_is_said_with_the_remedy(typed: str) -> None:
    app = scan(typed)
    assert len(app.error) == 1
    assert not app.metric


@pytest.mark.usefixtures("engine")
def test_a_hostile_path_is_shown_letter_by_letter() -> None:
    assert "![" not in scan("/no/![x](http://evil/x.png)").error[0].value


@pytest.mark.usefixtures("engine")
def test_a_scan_shows_totals_and_folders_and_what_is_not_dicom(tree: Path) -> None:
    app = scan(tree)
    shown = metrics(app)
    assert (shown["Files found"], shown["DICOM"], shown["Not DICOM"]) == ("9", "8", "1")
    assert (shown["Patients"], shown["Studies"], shown["Series"]) == ("2", "2", "3")
    assert {"a/series1", "a/series2", "b/series1", "a/README.txt"} <= cells(app)


@pytest.mark.usefixtures("engine")
def test_sub_folders_can_be_left_out(tree: Path) -> None:
    app = page("hospital_config")
    app.text_input(key="folder").input(str(tree))
    app.toggle(key="recursive").set_value(False)
    assert metrics(press(app, "Scan Directory"))["Files found"] == "0"


@pytest.mark.usefixtures("engine")
def test_another_browser_shows_the_same_scan(tree: Path) -> None:
    shown = metrics(scan(tree))
    assert metrics(page("hospital_config")) == shown


@pytest.mark.usefixtures("engine")
def test_a_scan_that_is_no_more_is_said() -> None:
    assert "SCAN\\_0" in page("hospital_config", scan="SCAN_0").error[0].value


# ---- importing


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


# ---- history


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


# ---- patients


def test_the_url_finds_patients(engine: OneProcess, tree: Path) -> None:
    write_study(tree / "c", patient="P3", study=3, series=1, images=1)
    write(tree / "c" / "x.dcm", ct(patient="P4", study=4, PatientName="Nuñez^José"))
    imported(engine, tree)
    found = cells(page(q="jose nunez"))
    assert "P4" in found
    assert "P3" not in found
    assert not page(q="nobody").dataframe


def test_a_patient_leads_to_studies_series_and_pictures_of_slices(engine: OneProcess, tree: Path) -> None:
    imported(engine, tree / "a")
    app = page(patient=the_patient(engine))
    assert {"Study 1", "Series 1", "Series 2", "2024-03-18"} <= cells(app)
    assert pictures(app) == 6


def test_what_has_no_picture_says_what_it_is_and_the_page_lives(engine: OneProcess, tree: Path) -> None:
    report = ct(study=1, series=9, Modality="SR", SOPClassUID=BasicTextSRStorage, PixelData=None, Rows=None)
    write(tree / "a" / "report.dcm", report)
    write(tree / "a" / "short.dcm", ct(study=1, series=8, PixelData=b"\0\0"))
    imported(engine, tree / "a")
    app = page(patient=the_patient(engine))
    assert any("Structured report" in text for text in texts(app))
    assert pictures(app) == 6


def test_a_patient_who_is_gone_is_said(engine: OneProcess, tree: Path) -> None:
    imported(engine, tree)
    assert "Refresh" in page(patient="gone").error[0].value


def test_an_empty_app_says_that_its_archive_does_not_answer(engine: OneProcess, settings: Settings) -> None:
    engine.close()
    gone = OneProcess(settings.model_copy(update={"archive": "orthanc", "orthanc_url": "http://127.0.0.1:9"}))
    at_work.hand_over(gone)
    app = page()
    gone.close()
    assert "does not answer" in app.error[0].value
    assert "Error" not in app.error[0].value
    assert "No patients yet" in markdown(app)


def test_the_list_of_patients_is_had_as_csv_as_it_is_searched_with_all_its_pages(
    engine: OneProcess, tree: Path, tmp_path: Path
) -> None:
    for number in range(30):
        write(
            tmp_path / "more" / f"{number}.dcm", ct(patient="=1+1" if number == 7 else f"M{number}", study=100 + number)
        )
    imported(engine, tree)
    imported(engine, tmp_path / "more")
    (button,) = (found for found in page().get("download_button") if found.proto.label == "Download CSV")
    assert "All patients of this list" in button.proto.help
    everyone = reports.patients_csv(engine, PatientFilter(), "patient_id", False).splitlines()
    assert (len(everyone), everyone[1].split(",")[1]) == (33, "'=1+1")
    (_, found) = reports.patients_csv(engine, PatientFilter("P2"), "last_study", True).splitlines()
    assert ",P2," in found


def test_without_the_archive_the_tables_stay_and_the_pictures_say_why(
    engine: OneProcess, settings: Settings, tree: Path
) -> None:
    imported(engine, tree / "a")
    patient = the_patient(engine)
    engine.close()
    gone = OneProcess(settings.model_copy(update={"archive": "orthanc", "orthanc_url": "http://127.0.0.1:9"}))
    at_work.hand_over(gone)
    app = page(patient=patient)
    gone.close()
    assert {"P1", "Study 1", "Series 2"} <= cells(app)
    assert "does not answer" in app.error[0].value


def test_a_cache_that_another_process_holds_is_said(engine: OneProcess) -> None:
    file = str(engine.settings.data_dir / "cache.duckdb")
    hold = f"import duckdb; held = duckdb.connect({file!r}); print(flush=True); input()"
    with subprocess.Popen([sys.executable, "-c", hold], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None
        holder.stdout.readline()
        app = page()
        holder.communicate(b"\n")
    assert len(app.error) == 1


@pytest.mark.parametrize("name", HOSTILE, ids=["picture", "script", "formula", "maths", "long"])
def test_a_hostile_name_is_shown_and_never_read_as_markdown(engine: OneProcess, tmp_path: Path, name: str) -> None:
    everywhere = dict.fromkeys(("PatientName", "StudyDescription", "SeriesDescription"), name)
    with disable_value_validation():
        write(tmp_path / "tree" / "x.dcm", ct(**everywhere))
    pages: list[Callable[[], AppTest]] = [
        lambda: scan(tmp_path / "tree"),
        lambda: press(page("hospital_config"), "Start Import"),
        lambda: page("import_studies"),
        lambda: page(patient=the_patient(engine)),
    ]
    for at, visit in enumerate(pages):
        if at == len(pages) - 1:
            engine.refresh()
        app = visit()
        assert name not in markdown(app)
    assert any(cell.startswith(name[:60]) for cell in cells(app))
    assert any(name[:60] in text for text in texts(app))

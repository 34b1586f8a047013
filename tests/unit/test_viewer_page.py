"""The viewer page, clicked through as a script, and the routes to one instance."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import streamlit as st
from fastapi.testclient import TestClient
from pydicom.sequence import Sequence
from starlette.applications import Starlette
from starlette.routing import Mount
from streamlit.testing.v1 import AppTest

from dicomcore import instances, open_in, people
from dicomcore.api.app import make_api
from dicomcore.cache import queries
from dicomcore.errors import AccessRefused, ArchiveUnreachable
from dicomcore.journal import audit
from dicomcore.settings import Settings
from dicomcore.visitor import Role, Visitor
from pages.widgets import at_work
from tests.clicking import everything, lives
from tests.factories import ROOT, ct, write
from tests.one_process import OneProcess
from tests.unit.test_documents import PDF, SR, content, pdf
from tests.visitors import signed_in, token_of

MAIN = Path(__file__).resolve().parents[2] / "pages" / "main.py"
SECRETS = ("muster", "anna", "pid-4711", "19700101", "20240318", "klinikum", "thorax secret", ROOT, "secret sauce")
RESEARCHER = Visitor("rita", Role.RESEARCHER, "study-a")


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OneProcess]:
    """One study of four series: two CTs, the second taken first, a report, and a letter as PDF."""
    st.cache_data.clear()
    place = tmp_path_factory.mktemp("viewer")
    services = OneProcess(Settings(data_dir=place / "data", log_dir=place / "logs", archive="folder"))
    at_work.hand_over(services)
    tree, whose = place / "tree", {"patient": "PID-4711", "InstitutionName": "Klinikum"}
    for image in (1, 2, 3):
        late = {"AcquisitionDate": "20240318", "AcquisitionTime": f"12000{image}", "SeriesDescription": "*late*"}
        write(tree / f"a{image}.dcm", ct(series=1, image=image, **whose, **late))
    early = {"AcquisitionDate": "20240318", "AcquisitionTime": "110000", "SeriesDescription": "<b>early</b>"}
    write(tree / "b.dcm", ct(series=2, **whose, **early))
    said = Sequence([content("TEXT", "Finding", TextValue="<script>alert(1)</script> Thorax secret")])
    words = {"SOPClassUID": SR, "Modality": "SR", "PixelData": None, "ContentSequence": said}
    write(tree / "c.dcm", ct(series=3, **whose, **words))
    letter = {"SOPClassUID": PDF, "Modality": "DOC", "PixelData": None, "EncapsulatedDocument": pdf(2) + b"\0"}
    write(tree / "d.dcm", ct(series=4, **whose, **letter, MIMETypeOfEncapsulatedDocument="application/pdf"))
    services.import_folder(str(tree))
    services.refresh()
    yield services
    at_work.hand_over(None)
    services.close()


def the_study(engine: OneProcess, visitor: Visitor | None = None) -> str:
    visitor = visitor or Visitor("ada", Role.ADMIN)
    (patient,) = people.search_patients(engine, visitor).rows["id"]
    return str(people.studies_of(engine, visitor, patient)["id"][0])


def series_of(engine: OneProcess) -> dict[str, str]:
    found = queries.series_of(engine.cache, the_study(engine))
    return dict(zip(found["number"], found["id"], strict=True))


def page(**query: str) -> AppTest:
    app = AppTest.from_file(MAIN, default_timeout=30)
    app.switch_page("viewer.py")
    app.query_params.update(query)
    return lives(app.run())


def opened(engine: OneProcess, number: str) -> AppTest:
    return page(study=the_study(engine), series=series_of(engine)[number])


def listed(app: AppTest) -> list[str]:
    keys = [button.key for button in app.button if str(button.key).startswith("open-")]
    return [str(key).removeprefix("open-") for key in keys if key != "open-in"]


def tags(engine: OneProcess, number: str) -> AppTest:
    app = opened(engine, number)
    app.session_state[f"viewer-{the_study(engine)}"] = "Tags"
    return lives(app.run())


def values(app: AppTest) -> dict[str, str]:
    table = app.dataframe[0].value
    return dict(zip(table["keyword"], table["value"], strict=True))


def test_without_a_study_the_page_says_where_to_choose_one(engine: OneProcess) -> None:
    with signed_in(engine):
        assert "Open in viewer" in page().info[0].value


def test_a_study_that_is_not_there_is_a_message_with_what_to_do(engine: OneProcess) -> None:
    with signed_in(engine):
        assert "press Refresh" in page(study="0000").error[0].value


def test_series_stand_in_the_order_in_which_they_were_taken_then_by_number(engine: OneProcess) -> None:
    numbers = {of: number for number, of in series_of(engine).items()}
    with signed_in(engine):
        assert [numbers[one] for one in listed(page(study=the_study(engine)))] == ["2", "1", "3", "4"]


def test_an_archive_that_does_not_answer_leaves_the_series_by_number(
    engine: OneProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_answer(*_: object) -> Iterator[bytes]:
        raise ArchiveUnreachable("The archive does not answer.")

    instances._times.cache_clear()
    monkeypatch.setattr(type(engine.archive), "blocks", no_answer)
    found = instances.series_in_order(engine, Visitor("ada", Role.ADMIN), the_study(engine))
    assert list(found["number"]) == ["1", "2", "3", "4"]


def test_a_click_on_a_series_opens_it_and_the_address_says_so(engine: OneProcess) -> None:
    with signed_in(engine):
        app = page(study=the_study(engine))
        last = series_of(engine)["4"]
        lives(app.button(key=f"open-{last}").click().run())
    assert app.query_params["series"] in (last, [last])
    assert [button.key for button in app.button if button.proto.type == "primary"] == [f"open-{last}"]


def test_each_series_says_what_it_is(engine: OneProcess) -> None:
    with signed_in(engine):
        told = everything(page(study=the_study(engine)))
    for word in ("ct image", "structured report", "encapsulated pdf", "3 instances"):
        assert word in told


def test_a_report_is_shown_as_text_whatever_is_written_in_it(engine: OneProcess) -> None:
    with signed_in(engine):
        bodies = [found.proto.body for found in opened(engine, "3").get("html")]
    (tree,) = [body for body in bodies if 'class="report"' in body]
    assert "&lt;script&gt;alert(1)&lt;/script&gt; Thorax secret" in tree
    assert "<script>" not in tree


def test_the_whole_header_is_there_to_read_and_to_search(engine: OneProcess) -> None:
    with signed_in(engine):
        app = tags(engine, "1")
        assert values(app)["PatientName"] == "Muster^Anna"
        lives(app.text_input[0].input("slice klinik").run())
        assert not values(app)
        lives(app.text_input[0].input("klinik").run())
        assert values(app) == {"InstitutionName": "Klinikum"}


def test_two_instances_are_compared_where_they_differ(engine: OneProcess) -> None:
    with signed_in(engine):
        app = tags(engine, "1")
        lives(app.toggle[0].set_value(True).run())
        table = app.dataframe[0].value
        lives(app.toggle[1].set_value(False).run())
        both = app.dataframe[0].value
    assert ("1", "2") in set(zip(table["here"], table["there"], strict=True))
    assert "state" not in table
    assert set(both["state"]) == {"differs", "same"}


def test_only_an_admin_is_offered_the_pages_of_the_archive(engine: OneProcess) -> None:
    with signed_in(engine):
        assert '"open in"' in everything(page(study=the_study(engine)))
    with signed_in(engine, Role.RESEARCHER, "otto"):
        assert '"open in"' not in everything(page(study=the_study(engine)))


def test_the_built_in_archive_says_why_nothing_else_can_open_its_studies(engine: OneProcess) -> None:
    assert open_in.ways(engine, "id", "1.2").why_none


def test_an_orthanc_is_offered_with_the_viewers_it_has(engine: OneProcess, monkeypatch: pytest.MonkeyPatch) -> None:
    changed = engine.settings.model_copy(update={"archive": "orthanc", "orthanc_url": "http://pacs:8042"})
    monkeypatch.setattr(engine, "settings", changed)
    monkeypatch.setattr(open_in, "ask_plugins", lambda _: ("dicom-web", "ohif", "stone-webviewer"))
    found = {way.name: way.url for way in open_in.ways(engine, "a-b", "1.2.3").ways}
    assert list(found) == ["Orthanc Explorer", "OHIF", "Stone Web Viewer", "Weasis"]
    assert found["Orthanc Explorer"] == "http://pacs:8042/app/explorer.html#study?uuid=a-b"
    assert found["Stone Web Viewer"].endswith("/stone-webviewer/index.html?study=1.2.3")
    assert found["Weasis"].startswith("weasis://%24dicom%3Ars%20")


def test_under_pseudonyms_no_view_and_no_header_says_who_it_is(engine: OneProcess) -> None:
    with signed_in(engine, Role.RESEARCHER, "rita", project="study-a"):
        study = the_study(engine, RESEARCHER)
        every = people.series_of(engine, RESEARCHER, study)["id"]
        for one in every:
            app = page(study=study, series=one)
            told = everything(app)
            app.session_state[f"viewer-{study}"] = "Tags"
            told += everything(lives(app.run()))
            ids = [*series_of(engine).values(), the_study(engine)]
            assert [secret for secret in (*SECRETS, *ids) if secret in told] == []
    assert "not shown under pseudonyms" in told


def test_under_pseudonyms_reports_waveforms_and_documents_are_refused(engine: OneProcess) -> None:
    (one,) = people.instances_of(engine, RESEARCHER, _opaque(engine, "SR"))
    for look in (instances.report, instances.ecg, instances.page, instances.document):
        with pytest.raises(AccessRefused, match="under pseudonyms"):
            look(engine, RESEARCHER, one.id)


def test_under_pseudonyms_the_archives_own_ids_open_nothing(engine: OneProcess) -> None:
    client = client_of(engine, Role.RESEARCHER, project="study-a")
    (real,) = queries.instances_of(engine.cache, series_of(engine)["2"])
    assert client.get(f"/api/instances/{real.id}/header").status_code == 404
    assert client.get(f"/api/series/{series_of(engine)['2']}/instances").status_code == 404


def test_under_pseudonyms_the_route_gives_technical_elements_alone(engine: OneProcess) -> None:
    client = client_of(engine, Role.RESEARCHER, project="study-a")
    listed = client.get(f"/api/series/{_opaque(engine, 'CT')}/instances").json()["instances"]
    answer = client.get(f"/api/instances/{listed[0]['id']}/header")
    assert {"Rows", "PixelSpacing"} <= {row["keyword"] for row in answer.json()["elements"]}
    assert [secret for secret in SECRETS if secret in answer.text.lower()] == []


def test_the_route_gives_the_header_and_searches_it(engine: OneProcess) -> None:
    client = client_of(engine)
    listed = client.get(f"/api/series/{series_of(engine)['1']}/instances").json()["instances"]
    assert [(one["instance_number"], one["what"]) for one in listed] == [(n, "CT image") for n in "123"]
    found = client.get(f"/api/instances/{listed[0]['id']}/header", params={"q": "patientname"}).json()
    assert [(row["tag"], row["value"]) for row in found["elements"]] == [("(0010,0010)", "Muster^Anna")]
    assert client.get("/api/instances/unknown/header").status_code == 404


def test_the_document_is_saved_by_who_may_export_and_that_is_noted(engine: OneProcess) -> None:
    (one,) = queries.instances_of(engine.cache, series_of(engine)["4"])
    answer = client_of(engine).get(f"/api/instances/{one.id}/document")
    assert answer.content.startswith(b"%PDF-")
    assert answer.headers["content-disposition"].startswith("attachment")
    assert answer.headers["content-type"] == "application/pdf"
    assert [
        (line["action"], line["about"]) for line in audit.newest(engine.journal, 5) if line["action"] == "export"
    ] == [("export", one.id)]
    without = client_of(engine, Role.RESEARCHER, name="nora", may_export=False)
    assert without.get(f"/api/instances/{one.id}/document").status_code == 403


def test_a_report_is_not_given_out_as_a_document(engine: OneProcess) -> None:
    (one,) = queries.instances_of(engine.cache, series_of(engine)["3"])
    answer = client_of(engine).get(f"/api/instances/{one.id}/document")
    assert (answer.status_code, "only PDFs" in answer.text) == (422, True)


def _opaque(engine: OneProcess, modality: str) -> str:
    found = people.series_of(engine, RESEARCHER, the_study(engine, RESEARCHER))
    return str(found[found["modality"] == modality]["id"].iloc[0])


def client_of(services: OneProcess, role: Role = Role.ADMIN, **more: object) -> TestClient:
    app = Starlette(routes=[Mount("/api", make_api(lambda: services))])
    return TestClient(app, headers={"Authorization": f"Bearer {token_of(services, role, **more)}"})

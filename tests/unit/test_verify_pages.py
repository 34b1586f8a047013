"""A verification as a person sees it: from the button to the verdict, and from a picture back to its files."""

from __future__ import annotations

from pathlib import Path

from dicomcore import verification
from dicomcore.cache import queries
from tests.clicking import lives, page, press, scan
from tests.factories import write_study
from tests.one_process import OneProcess


def test_the_button_of_a_scan_leads_to_the_verdict(engine: OneProcess, tmp_path: Path) -> None:
    write_study(tmp_path / "tree")
    app = press(scan(tmp_path / "tree"), "Verify")
    (made,) = verification.newest(engine)
    app = page("import_studies", batch=made.job_id)
    assert "6 DICOM files of this folder are missing" in app.error[0].value
    assert any("Missing: 6. Extra: 0." in text.value for text in app.markdown)
    assert [subheader.value for subheader in app.subheader][:2] == ["Missing", "Files"]


def test_the_button_of_an_import_leads_to_the_certificate(engine: OneProcess, tmp_path: Path) -> None:
    write_study(tmp_path / "tree")
    batch_id = engine.import_folder(str(tmp_path / "tree"))
    press(page("import_studies", batch=batch_id), "Verify")
    (made,) = verification.newest(engine)
    app = page("import_studies", batch=made.job_id)
    assert "Nothing is missing" in app.success[0].value
    assert {"Certificate", "Download CSV"} <= {button.label for button in app.get("download_button")}


def test_a_verification_is_not_the_scan_on_show(engine: OneProcess, tmp_path: Path) -> None:
    write_study(tmp_path / "tree")
    scanned = engine.start_scan(str(tmp_path / "tree"))
    verification.verify_again(engine, scanned)
    app = page("hospital_config")
    assert any(button.label == "Start Import" for button in app.button)
    assert not any("imported already" in info.value for info in app.info)


def test_a_series_tells_where_it_came_from(engine: OneProcess, tmp_path: Path) -> None:
    write_study(tmp_path / "tree", series=1)
    batch_id = engine.import_folder(str(tmp_path / "tree"))
    engine.refresh()
    patient = queries.search_patients(engine.cache).rows["id"][0]
    app = page(patient=patient)
    box = next(box for box in app.expander if box.label == "Where it came from")
    assert not box.dataframe
    study = queries.studies_of(engine.cache, patient)["id"][0]
    series = queries.series_of(engine.cache, study)["id"][0]
    app.session_state[f"origin-{series}"] = True
    app = lives(app.run())
    box = next(box for box in app.expander if box.label == "Where it came from")
    folders, files = (frame.value for frame in box.dataframe)
    assert list(folders["folder"]) == [str(tmp_path / "tree" / "series1")]
    assert len(files) == 3
    assert set(files["batch"]) == {batch_id}

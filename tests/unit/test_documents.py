"""Reports, waveforms and encapsulated documents, each in its fitting form, or with the reason why not."""

from __future__ import annotations

import struct
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from matplotlib.figure import Figure
from PIL import Image
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence

from dicomcore.documents.apart import apart
from dicomcore.documents.ecg import draw, sheet_of
from dicomcore.documents.encapsulated import page_of, pdf_of
from dicomcore.documents.kinds import Kind, kind_of, named
from dicomcore.documents.report import report_of
from dicomcore.documents.waveform import Channel, Group, groups_of
from dicomcore.errors import Undecodable, UsageError
from tests.factories import ct, encoded

ECG, SR, PDF = "1.2.840.10008.5.1.4.1.1.9.1.1", "1.2.840.10008.5.1.4.1.1.88.33", "1.2.840.10008.5.1.4.1.1.104.1"


def item(**elements: object) -> Dataset:
    dataset = Dataset()
    for keyword, value in elements.items():
        setattr(dataset, keyword, value)
    return dataset


def code(meaning: str, value: str = "1") -> Sequence:
    return Sequence([item(CodeValue=value, CodingSchemeDesignator="T", CodeMeaning=meaning)])


def content(kind: str, name: str, **more: object) -> Dataset:
    return item(RelationshipType="CONTAINS", ValueType=kind, ConceptNameCodeSequence=code(name), **more)


def report(*contents: Dataset) -> bytes:
    return encoded(
        ct(
            SOPClassUID=SR,
            Modality="SR",
            PixelData=None,
            ConceptNameCodeSequence=code("Chest report"),
            CompletionFlag="COMPLETE",
            VerificationFlag="UNVERIFIED",
            ContentSequence=Sequence(contents),
        )
    )


def measured(value: str, unit: str) -> Sequence:
    return Sequence([item(NumericValue=value, MeasurementUnitsCodeSequence=code("millimeter", unit))])


def waveform(millivolts: list[float], **more: object) -> bytes:
    """One channel of 100 samples a second, stored as whole microvolts halved."""
    channel = item(
        ChannelLabel="Lead II",
        ChannelSensitivity="2",
        ChannelSensitivityUnitsSequence=code("microvolt", "uV"),
        ChannelSensitivityCorrectionFactor="1",
        ChannelBaseline="0",
        WaveformBitsStored=16,
    )
    group = item(
        MultiplexGroupLabel="RHYTHM",
        WaveformOriginality="ORIGINAL",
        NumberOfWaveformChannels=1,
        NumberOfWaveformSamples=len(millivolts),
        SamplingFrequency="100",
        ChannelDefinitionSequence=Sequence([channel]),
        WaveformBitsAllocated=16,
        WaveformSampleInterpretation="SS",
    )
    group.add_new("WaveformData", "OW", b"".join(struct.pack("<h", round(mv * 500)) for mv in millivolts))
    for keyword, value in more.items():
        setattr(group, keyword, value)
    return encoded(ct(SOPClassUID=ECG, Modality="ECG", PixelData=None, WaveformSequence=Sequence([group])))


def pdf(pages: int = 2) -> bytes:
    from matplotlib.backends.backend_pdf import PdfPages

    file = BytesIO()
    with PdfPages(file) as out:
        for number in range(pages):
            figure = Figure(figsize=(4, 3 + number))
            figure.text(0.1, 0.5, f"Page {number + 1}")
            out.savefig(figure)
    return file.getvalue()


def enclosing(document: bytes, kind: str = "application/pdf") -> bytes:
    padded = document + b"\0" * (len(document) % 2)
    more = {"MIMETypeOfEncapsulatedDocument": kind, "EncapsulatedDocument": padded}
    return encoded(ct(SOPClassUID=PDF, Modality="DOC", PixelData=None, **more))


def test_what_an_object_is_decides_how_it_is_shown() -> None:
    assert [kind_of(uid) for uid in (SR, ECG, PDF, "1.2.840.10008.5.1.4.1.1.2", "")] == [
        Kind.REPORT,
        Kind.WAVEFORM,
        Kind.DOCUMENT,
        Kind.PICTURE,
        Kind.PICTURE,
    ]
    assert named(ECG, "ECG") == "12-lead ECG waveform"


def test_a_report_reads_as_a_tree_of_names_and_values() -> None:
    size = content("NUM", "Diameter", MeasuredValueSequence=measured("12.5", "mm"))
    part = content(
        "CONTAINER", "Findings", ContentSequence=Sequence([content("TEXT", "Lung", TextValue="clear"), size])
    )
    found = report_of(report(part, content("PNAME", "Reader", PersonName="Doe^John")))
    assert (found.title, found.state) == ("Chest report", "complete, unverified")
    assert [(line.depth, line.name, line.value) for line in found.lines] == [
        (0, "Findings", ""),
        (1, "Lung", "clear"),
        (1, "Diameter", "12.5 mm"),
        (0, "Reader", "Doe John"),
    ]


def test_dates_and_times_in_a_report_are_iso() -> None:
    day = content("DATE", "Day", Date="20240318")
    at = content("TIME", "At", Time="101112")
    moment = content("DATETIME", "When", DateTime="20240318101112")
    found = report_of(report(day, at, moment))
    assert [line.value for line in found.lines] == ["2024-03-18", "10:11:12", "2024-03-18 10:11:12"]


def test_a_reference_in_a_report_says_what_it_points_at() -> None:
    target = item(ReferencedSOPClassUID="1.2.840.10008.5.1.4.1.1.2", ReferencedSOPInstanceUID="1.2.3")
    found = report_of(report(content("IMAGE", "Source", ReferencedSOPSequence=Sequence([target]))))
    assert found.lines[0].value == "CT image (1.2.3)"


def test_several_frames_of_an_image_are_listed_as_people_write_them() -> None:
    target = item(ReferencedSOPClassUID="1.2.840.10008.5.1.4.1.1.2", ReferencedSOPInstanceUID="1.2.3")
    target.ReferencedFrameNumber = [5, 2]
    (line,) = report_of(report(content("IMAGE", "Source", ReferencedSOPSequence=Sequence([target])))).lines
    assert line.value == "CT image, frames 5, 2 (1.2.3)"


def test_a_report_without_content_says_so() -> None:
    with pytest.raises(Undecodable, match="no content"):
        report_of(report())


def test_a_waveform_is_read_in_millivolts() -> None:
    (group,) = groups_of(waveform([0.0, 1.0, -0.5]))
    assert (group.label, group.frequency, group.channels[0].name, group.channels[0].unit) == (
        "RHYTHM",
        100,
        "Lead II",
        "mV",
    )
    assert group.channels[0].values == pytest.approx([0.0, 1.0, -0.5])


def dark(picture: bytes) -> np.ndarray:
    """Where the ink of the curve is, right of the label."""
    grey = np.asarray(Image.open(BytesIO(picture)).convert("L"))
    return grey[:, 120:] < 150


def test_a_second_is_25_millimetres_and_a_millivolt_10() -> None:
    """A rectangle of 1 mV that lasts 2 s, from 1.5 to 3.5: measured in the drawing, 4 pixels a millimetre."""
    values = np.zeros(400)
    values[150:350] = 1.0
    picture = draw(Group("", 100, (Channel("", "mV", values),)), 0.0)
    ink = dark(picture)
    rows = np.flatnonzero(ink.sum(axis=1) > 60)
    assert rows.max() - rows.min() == pytest.approx(10 * 4, abs=3)
    columns = np.flatnonzero(ink[rows.min() + 6 : rows.max() - 6].sum(axis=0) > 20)
    assert columns.max() - columns.min() == pytest.approx(2 * 25 * 4, abs=5)
    assert Image.open(BytesIO(picture)).width == pytest.approx(4 * 25 * 4, abs=2)


def test_a_long_waveform_is_drawn_ten_seconds_at_a_time() -> None:
    data = waveform([0.0] * 3_000)
    sheet = sheet_of(data, start=20.0)
    assert sheet.seconds == 30
    assert "seconds 20 to 30 of 30" in sheet.told
    assert sheet.labels == ("1 · RHYTHM",)
    assert Image.open(BytesIO(sheet.png)).width == pytest.approx(1000, abs=2)


def test_what_is_no_voltage_is_drawn_on_a_scale_of_its_own() -> None:
    pressure = Group("", 100, (Channel("ABP", "mm[Hg]", np.linspace(60, 140, 200)),))
    ink = dark(draw(pressure, 0.0))
    assert 0 < np.flatnonzero(ink.any(axis=1)).size < 25 * 4


@pytest.mark.parametrize(
    ("more", "why"),
    [({"SamplingFrequency": "0"}, "samples a second"), ({"NumberOfWaveformSamples": 9}, "cannot be read")],
)
def test_a_waveform_that_makes_no_sense_has_a_reason(more: dict[str, object], why: str) -> None:
    with pytest.raises(Undecodable, match=why):
        groups_of(waveform([0.0, 1.0], **more))


def test_an_object_without_a_waveform_has_a_reason() -> None:
    with pytest.raises(Undecodable, match="no waveform"):
        sheet_of(encoded(ct()))


def test_a_group_that_does_not_exist_is_a_mistake_of_the_caller() -> None:
    with pytest.raises(UsageError, match="no group 3"):
        sheet_of(waveform([0.0, 1.0]), group=2)


def test_a_page_of_a_pdf_is_a_picture() -> None:
    page = page_of(enclosing(pdf()), 1)
    picture = Image.open(BytesIO(page.png))
    assert (page.pages, picture.width, picture.height) == (2, 1000, 1000)


def test_the_document_comes_out_as_it_went_in() -> None:
    document = pdf(1)
    assert pdf_of(enclosing(document)).rstrip(b"\0") == document


@pytest.mark.parametrize(
    ("document", "kind"), [(b"<script>alert(1)</script>", "application/pdf"), (b"%PDF-1.7", "text/html")]
)
def test_what_is_no_pdf_is_never_given_out_as_one(document: bytes, kind: str) -> None:
    with pytest.raises(Undecodable, match="only PDFs"):
        pdf_of(enclosing(document, kind))


def test_a_damaged_pdf_has_a_reason() -> None:
    with pytest.raises(Undecodable, match="damaged"):
        page_of(enclosing(b"%PDF-1.7 and then nothing"), 0)


def test_a_page_beyond_the_last_is_a_mistake_of_the_caller() -> None:
    with pytest.raises(UsageError, match="no page 3"):
        page_of(enclosing(pdf()), 2)


def test_files_are_read_in_a_child_whose_failure_is_a_reason() -> None:
    assert apart(report_of, report(content("TEXT", "Lung", TextValue="clear"))).lines[0].value == "clear"
    with pytest.raises(Undecodable, match="no waveform"):
        apart(sheet_of, encoded(ct()))
    with pytest.raises(Undecodable, match="could not be read"):
        apart(int, "no number")


def test_the_reports_and_the_ecg_of_the_corpus_can_be_read(corpus: Path) -> None:
    files = corpus / "PACS-Export" / "pydicom" / "test_files"
    assert report_of((files / "test-SR.dcm").read_bytes()).lines
    (rhythm, beat) = groups_of((files / "waveform_ecg.dcm").read_bytes())
    assert (len(rhythm.channels), rhythm.seconds, beat.seconds) == (12, 10.0, 1.2)

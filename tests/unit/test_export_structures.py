"""What lies over a CT leaves de-identified with it: it still points at the same images, and its names name nobody."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from pydicom import dcmread
from pydicom.dataset import Dataset

from dicomcore.cache import queries
from dicomcore.export.deidentify import Task, deidentify
from dicomcore.export.package import package
from dicomcore.export.selection import Choice
from dicomcore.export.subject import Subject
from dicomcore.settings import Settings
from dicomcore.visitor import Role, Visitor
from tests.factories import ROOT, ct, encoded, write
from tests.one_process import OneProcess, imported
from tests.overlay_objects import REFERENCE, item, rtdose, rtstruct, seg

CT = "1.2.840.10008.5.1.4.1.1.2"
ADMIN = Visitor("an admin", Role.ADMIN)
MASK = np.ones((4, 4))
POINTS = [[0.0, 0, 1, 1, 0, 1, 1, 1, 1]]


def reference(image: int) -> Dataset:
    """To one of the slices."""
    return item(ReferencedSOPClassUID=CT, ReferencedSOPInstanceUID=f"{ROOT}.1.1.{image}")


def segmentation() -> Dataset:
    """Two segments, one on each slice, of which it knows by series and by frame."""
    made = seg([(1, (0, 0, 1), MASK), (2, (0, 0, 2), MASK)], names=("Liver Canary", "Canary 7"))
    images = [reference(1), reference(2)]
    made.ReferencedSeriesSequence = [item(SeriesInstanceUID=f"{ROOT}.1.1", ReferencedInstanceSequence=images)]
    for frame, image in zip(made.PerFrameFunctionalGroupsSequence, (1, 2), strict=True):
        frame.DerivationImageSequence = [item(SourceImageSequence=[reference(image)])]
    for segment in made.SegmentSequence:
        segment.SegmentDescription, segment.TrackingID = "Lesion of Canary", "Canary 7"
    return made


def structures() -> Dataset:
    """Two regions; each contour names its slice."""
    made = rtstruct({"GTV Canary": POINTS, "Canary": POINTS})
    made.StructureSetName = made.StructureSetDescription = "Plan of Canary"
    for contours in made.ROIContourSequence:
        for contour in contours.ContourSequence:
            contour.ContourImageSequence = [reference(1)]
    for region in made.StructureSetROISequence:
        region.ReferencedFrameOfReferenceUID, region.ROIDescription = REFERENCE, "seen by Canary"
    return made


def dose() -> Dataset:
    """Of the structure set."""
    of = item(ReferencedSOPClassUID="1.2.840.10008.5.1.4.1.1.481.3", ReferencedSOPInstanceUID=f"{ROOT}.1.22.1")
    return rtdose(np.ones((2, 4, 4)), DoseComment="Canary, left lung", ReferencedStructureSetSequence=[of])


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, list[Dataset]]]:
    """All of it, de-identified in one export, by modality."""
    place: Path = tmp_path_factory.mktemp("structures")
    slices = [ct(image=image, FrameOfReferenceUID=REFERENCE) for image in (1, 2)]
    for number, one in enumerate([*slices, segmentation(), structures(), dose()]):
        write(place / "cd" / f"{number}.dcm", one)
    services = OneProcess(Settings(data_dir=place / "data", log_dir=place / "logs", archive="folder"))
    imported(services, place / "cd")
    services.refresh()
    (study,) = queries.whole_table(services.cache, "studies")["id"]
    content = b"".join(package(services, ADMIN, "deidentified", Choice(studies=(study,))).blocks())
    found: dict[str, list[Dataset]] = {}
    with zipfile.ZipFile(BytesIO(content)) as archive:
        for name in archive.namelist():
            if name.endswith(".dcm"):
                one = dcmread(BytesIO(archive.read(name)))
                found.setdefault(one.Modality, []).append(one)
    yield found
    services.close()


def test_they_point_at_the_same_images_as_before(exported: dict[str, list[Dataset]]) -> None:
    slices = [one.SOPInstanceUID for one in exported["CT"]]
    (segments,), (regions,), (doses,) = exported["SEG"], exported["RTSTRUCT"], exported["RTDOSE"]
    (series,) = segments.ReferencedSeriesSequence
    assert [one.ReferencedSOPInstanceUID for one in series.ReferencedInstanceSequence] == slices
    assert series.SeriesInstanceUID == exported["CT"][0].SeriesInstanceUID
    frames = [one.DerivationImageSequence[0] for one in segments.PerFrameFunctionalGroupsSequence]
    assert [one.SourceImageSequence[0].ReferencedSOPInstanceUID for one in frames] == slices
    contours = [one.ContourSequence[0].ContourImageSequence[0] for one in regions.ROIContourSequence]
    assert [one.ReferencedSOPInstanceUID for one in contours] == [slices[0]] * 2
    assert doses.ReferencedStructureSetSequence[0].ReferencedSOPInstanceUID == regions.SOPInstanceUID


def test_they_lie_in_the_same_frame_of_reference_and_study(exported: dict[str, list[Dataset]]) -> None:
    everything = [one for some in exported.values() for one in some]
    placed = [one.FrameOfReferenceUID for one in everything if one.Modality != "RTSTRUCT"]
    placed += [one.FrameOfReferenceUID for one in exported["RTSTRUCT"][0].ReferencedFrameOfReferenceSequence]
    placed += [one.ReferencedFrameOfReferenceUID for one in exported["RTSTRUCT"][0].StructureSetROISequence]
    assert set(placed) == {exported["CT"][0].FrameOfReferenceUID} != {REFERENCE}
    assert len({one.StudyInstanceUID for one in everything}) == 1


def test_contours_masks_and_doses_are_as_they_were(exported: dict[str, list[Dataset]]) -> None:
    assert exported["SEG"][0].PixelData == segmentation().PixelData
    assert exported["RTDOSE"][0].PixelData == dose().PixelData
    contour = exported["RTSTRUCT"][0].ROIContourSequence[0].ContourSequence[0]
    assert list(contour.ContourData) == POINTS[0]


def test_of_names_harmless_words_stay_and_none_is_without(exported: dict[str, list[Dataset]]) -> None:
    segments, regions = exported["SEG"][0], exported["RTSTRUCT"][0]
    assert [one.SegmentLabel for one in segments.SegmentSequence] == ["Liver", "Segment 2"]
    assert [one.ROIName for one in regions.StructureSetROISequence] == ["GTV", "ROI 2"]
    assert exported["RTDOSE"][0].DoseComment == "left lung"
    assert not [one for some in exported.values() for one in some if "canary" in str(one).lower()]
    codes = [code.CodeValue for code in segments.DeidentificationMethodCodeSequence]
    assert codes == ["113100", "113107", "113105"], "that names were cleaned and not removed is said"


def test_a_patient_who_is_called_like_an_organ_is_not_named_by_it() -> None:
    of_mr_liver = seg([(1, (0, 0, 1), MASK)], names=("Liver",), PatientName="Liver^Otto")
    made = deidentify(Task(encoded(of_mr_liver), Subject(bytes(32), "a patient"), nameless=False)).dataset
    assert dcmread(BytesIO(made)).SegmentSequence[0].SegmentLabel == "Segment 1"

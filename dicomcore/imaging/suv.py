"""Standardised uptake values of PET, body weight: the factor from what the file has, or none.

After the vendor-neutral procedure of QIBA ("SUV_vendorneutral"), for Units BQML with decay correction to the start.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from pydicom.dataset import Dataset

from dicomcore.imaging.elements import items, number, text

LONGEST = timedelta(hours=24)
"""No dose is scanned later: a longer time is an error of a clock or a date."""


def suv_factor(dataset: Dataset) -> float | None:
    """g/ml for one unit of the rescaled values (PS3.3 C.8.9.1.1.3); None where it cannot be told."""
    units = text(dataset, "Units")
    if units == "GML":
        return 1.0
    if units != "BQML" or text(dataset, "Modality") != "PT":
        return None
    dose, weight = _dose_at_reference(dataset), number(dataset, "PatientWeight")
    return 1000.0 * weight / dose if dose and weight and weight > 0 else None


def _dose_at_reference(dataset: Dataset) -> float | None:
    """Becquerels left at the time that the values are corrected to (Decay Correction, PS3.3 C.8.9.1.1.6)."""
    for injected in items(dataset, "RadiopharmaceuticalInformationSequence")[:1]:
        dose, half_life = number(injected, "RadionuclideTotalDose"), number(injected, "RadionuclideHalfLife")
        if not dose or dose <= 0:
            return None
        corrected = text(dataset, "DecayCorrection")
        if corrected == "ADMIN":
            return dose
        waited = _waited(dataset, injected)
        if corrected != "START" or waited is None or not half_life or half_life <= 0:
            return None
        return float(dose * 2 ** (-waited.total_seconds() / half_life))
    return None


def _waited(dataset: Dataset, injected: Dataset) -> timedelta | None:
    """From the injection to the start of the scan.

    Series Date and Time, unless somebody has processed the series later than it was acquired.
    """
    series = _moment(text(dataset, "SeriesDate"), text(dataset, "SeriesTime"))
    acquired = _moment(text(dataset, "AcquisitionDate"), text(dataset, "AcquisitionTime"))
    if series is None or (acquired is not None and series > acquired):
        return None  # the start of the scan is not in the standard elements
    given = text(injected, "RadiopharmaceuticalStartDateTime")
    if given[-5:-4] in ("+", "-") and given[-5:] != text(dataset, "TimezoneOffsetFromUTC"):
        return None  # clocks of two time zones
    day = text(dataset, "SeriesDate")
    start = _moment(given[:8], given[8:]) if given else _moment(day, text(injected, "RadiopharmaceuticalStartTime"))
    if start is None:
        return None
    if not given and start > series:  # injected before midnight
        start -= timedelta(days=1)
    return series - start if timedelta(0) <= series - start <= LONGEST else None


def _moment(day: str, time: str) -> datetime | None:
    digits = time.split(".")[0].split("+")[0].split("-")[0]
    try:
        return datetime.strptime(day + digits.ljust(6, "0"), "%Y%m%d%H%M%S")
    except ValueError:
        return None

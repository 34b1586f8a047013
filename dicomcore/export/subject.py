"""A patient as a de-identified export has them: the pseudonym, dates and UIDs that the lens shows for the same key."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from datetime import date, timedelta

from pydicom.uid import UID_dictionary  # type: ignore[attr-defined]

from dicomcore.cache.lens import DAYS

OLDEST = date(2, 1, 2)
"""What is older would be shifted out of the calendar."""


def is_registered(uid: str) -> bool:
    """Whether the standard itself gave this UID: it says what a thing is, and is nobody's (PS3.6 A)."""
    return uid in UID_dictionary


@dataclass(frozen=True, slots=True)
class Subject:
    """``key`` is a project's secret, 32 bytes; ``patient`` the archive's id of the patient."""

    key: bytes = field(repr=False)
    patient: str = field(repr=False)

    @property
    def code(self) -> str:
        """Twelve hex digits, as in ``Subject 7F3A2C91B04E``."""
        return self._hash("patient", self.patient)[:12].upper()

    @property
    def days(self) -> int:
        """By how many days all dates of this patient go back."""
        return 1 + int(self._hash("patient", self.patient)[32:40], 16) % DAYS

    def uid(self, real: str) -> str:
        """The UID instead of a real one, of the form 2.25 (PS3.5 B.2); one of the standard (PS3.6 A) stays."""
        if not real or is_registered(real):
            return real
        return f"2.25.{int(self._hash('uid', real)[:32], 16)}"

    def day(self, real: date) -> date | None:
        """The date instead of a real one."""
        return real - timedelta(self.days) if real >= OLDEST else None

    def birth_day(self, real: date) -> date | None:
        """Of a birth date only the year is left."""
        shifted = self.day(real)
        return shifted and shifted.replace(month=1, day=1)

    def _hash(self, level: str, value: str) -> str:
        return hashlib.sha256(f"{self.key.hex()}|{level}|{value}".encode()).hexdigest()

"""An archive in memory, for tests of what reads an archive: patients and studies from a line each."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from dicomcore.errors import ArchiveUnreachable
from dicomcore.model import (
    ArchiveCounts,
    ArchiveRules,
    Changes,
    Described,
    Identity,
    Receipt,
    StoredInstance,
    StoredPatient,
    StoredSeries,
    StoredStudy,
)


def study(
    study_id: str = "s1",
    *,
    patient: str = "p1",
    name: str = "Muster^Anna",
    patient_id: str = "1001",
    birth_date: str = "19700101",
    date: str = "20240318",
    time: str = "101112",
    description: str = "CT Thorax",
    accession: str = "A1",
    modalities: tuple[str, ...] = ("CT",),
    images: int = 2,
) -> Described:
    """One study with a series of ``images`` images for each modality."""
    seen = "2026-11-24T06:53:37Z"
    series = [(f"{study_id}-{number}", modality) for number, modality in enumerate(modalities, 1)]
    return Described(
        (StoredPatient(patient, patient_id, name, birth_date, "F", seen),),
        (StoredStudy(study_id, patient, f"1.2.{study_id}", date, time, description, accession, "Clinic", seen),),
        tuple(
            StoredSeries(one, study_id, f"1.2.{one}", one[-1], "axial", modality, "CHEST", "ACME", "", "", seen)
            for one, modality in series
        ),
        tuple(
            StoredInstance(
                f"{one}-{image}", one, f"1.2.{one}.{image}", "1.2.840.10008.5.1.4.1.1.2", "1.2.840.10008.1.2.1",
                str(image), "", f"0\\0\\{image}", "1\\0\\0\\0\\1\\0", 1000,
            )
            for one, _ in series
            for image in range(1, images + 1)
        ),
    )  # fmt: skip


@dataclass
class MemoryArchive:
    """Behaves as Orthanc does: numbers what arrives, and forgets what is deleted without a word."""

    key: str = "memory"
    held: dict[str, Described] = field(default_factory=dict)
    log: list[str] = field(default_factory=list)
    described: int = 0
    fails_after: int | None = None
    """How many calls of ``describe`` to answer before the network goes."""

    def add(self, *studies: Described) -> None:
        """Take in all instances of some studies, one after the other."""
        for one in studies:
            for instance in one.instances:
                self.held[instance.id] = _of(one, instance)
                self.log.append(instance.id)

    def delete(self, *prefixes: str) -> None:
        """Delete all instances whose ids begin with one of these."""
        self.held = {name: one for name, one in self.held.items() if not name.startswith(prefixes)}

    def predict(self, identity: Identity) -> str | None:
        raise NotImplementedError

    def store(self, path: Path, body: bytes | None) -> Receipt:
        raise NotImplementedError

    def stored(self, ids: Collection[str]) -> set[str]:
        return set(ids) & set(self.held)

    def md5(self, archive_id: str) -> str:
        raise NotImplementedError

    def read(self, archive_id: str) -> bytes:
        raise NotImplementedError

    def blocks(self, archive_id: str) -> Iterator[bytes]:
        raise NotImplementedError

    def changes(self, since: int, limit: int = 10_000) -> Changes:
        some = self.log[since : since + limit]
        last = since + len(some)
        return Changes(tuple(name for name in some if name in self.held), last, last >= len(self.log))

    def cursor(self) -> int:
        return len(self.log)

    def instances(self) -> Iterator[str]:
        return iter(list(self.held))

    def describe(self, ids: Collection[str]) -> Described:
        if self.fails_after is not None:
            if self.fails_after == 0:
                raise ArchiveUnreachable("The archive does not answer.")
            self.fails_after -= 1
        self.described += len(ids)
        return _together([self.held[name] for name in ids if name in self.held])

    def counts(self) -> ArchiveCounts:
        all_of_it = _together(list(self.held.values()))
        return ArchiveCounts(
            len(all_of_it.patients), len(all_of_it.studies), len(all_of_it.series), len(all_of_it.instances)
        )

    def instances_of(self, study: str) -> set[str]:
        return {name for name, one in self.held.items() if one.studies[0].id == study}

    def find(self, level: Literal["study", "instance"], uid: str) -> set[str]:
        if level == "study":
            return {study.id for one in self.held.values() for study in one.studies if study.study_instance_uid == uid}
        return {name for name, one in self.held.items() if one.instances[0].sop_instance_uid == uid}

    def remove(self, archive_id: str) -> None:
        self.held.pop(archive_id, None)

    def about(self) -> str:
        return "Memory"

    def rules(self) -> ArchiveRules:
        return ArchiveRules()


def _of(one: Described, instance: StoredInstance) -> Described:
    series = tuple(series for series in one.series if series.id == instance.series)
    return Described(one.patients, one.studies, series, (instance,))


def _together(parts: list[Described]) -> Described:
    return Described(
        tuple({patient.id: patient for one in parts for patient in one.patients}.values()),
        tuple({study.id: study for one in parts for study in one.studies}.values()),
        tuple({series.id: series for one in parts for series in one.series}.values()),
        tuple({instance.id: instance for one in parts for instance in one.instances}.values()),
    )

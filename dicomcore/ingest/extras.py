"""What the archive has, in the studies of a folder, that no file of the folder names."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from functools import partial
from itertools import islice

from dicomcore.archive.base import Archive
from dicomcore.ingest.stopping import stop_if_wanted
from dicomcore.ingest.whereabouts import md5_there
from dicomcore.journal import proofs
from dicomcore.journal.database import Journal
from dicomcore.journal.proofs import Extra

CONNECTIONS = 4
STUDIES_A_CHUNK = 50


def find_extras(journal: Journal, archive: Archive, batch_id: str, scan_id: str) -> None:
    """Write them down, study by study. Raises ``Cancelled``, ``Paused`` and ``ArchiveError``."""
    studies = proofs.studies(journal, batch_id)
    with ThreadPoolExecutor(CONNECTIONS, thread_name_prefix="extra") as pool:
        while some := list(islice(studies, STUDIES_A_CHUNK)):
            for there in pool.map(partial(_instances, archive), some):
                extra = proofs.unnamed(journal, batch_id, scan_id, there)
                if extra:
                    proofs.write_extras(journal, batch_id, _described(archive, extra, pool))
            stop_if_wanted(journal, batch_id)


def _instances(archive: Archive, study_instance_uid: str) -> set[str]:
    """All instances of a study, under whichever patients it is."""
    there: set[str] = set()
    return there.union(*(archive.instances_of(study) for study in archive.find("study", study_instance_uid)))


def _described(archive: Archive, extra: set[str], pool: Executor) -> Iterator[Extra]:
    known = archive.describe(extra)
    series = {one.id: one for one in known.series}
    studies = {one.id: one for one in known.studies}
    md5s = pool.map(partial(md5_there, archive), [one.id for one in known.instances])
    for instance, md5 in zip(known.instances, md5s, strict=True):
        its_series = series[instance.series]
        its_study = studies[its_series.study]
        yield Extra(
            instance.id, its_study.study_instance_uid, its_series.series_instance_uid, instance.sop_instance_uid, md5
        )

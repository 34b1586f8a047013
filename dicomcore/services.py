"""The only place where implementations are chosen and wired: what the pages and the command line talk to."""

from __future__ import annotations

import os
import threading
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from filelock import FileLock

from dicomcore import logs
from dicomcore.archive.base import Archive
from dicomcore.archive.endpoint import Endpoint
from dicomcore.archive.folder import FolderArchive
from dicomcore.archive.local import OWN_RULES, LocalOrthanc, find_program
from dicomcore.archive.orthanc import OrthancArchive
from dicomcore.errors import DicomViewerError, StoreError
from dicomcore.job_control import JobControl
from dicomcore.journal import audit, jobs
from dicomcore.journal.database import Journal
from dicomcore.model import FileFact, Header
from dicomcore.scan.file import scan_file
from dicomcore.settings import Settings, checked_url, save
from dicomcore.visitor import this_user

if TYPE_CHECKING:  # imported where they are first needed: a worker starts in half the time without them
    from dicomcore.cache.database import Cache
    from dicomcore.imaging.frame_store import FrameStore
    from dicomcore.imaging.thumbnails import Thumbnails
    from dicomcore.ingest.sync import SyncResult

log = logs.logger(__name__)

USUAL_ORTHANC = "http://localhost:8042"
FOLLOW_SECONDS = 1.0


class Services(JobControl):
    """One data folder at work. Cheap to make: the archive, the cache and pictures open when first asked for."""

    def __init__(self, settings: Settings) -> None:
        for folder in (settings.data_dir, settings.log_dir):
            _make(folder)
        super().__init__(settings, Journal(settings.data_dir / "journal.sqlite"))
        self._making = threading.RLock()
        self._refreshing = threading.Lock()
        self._archive: Archive | None = None
        self._local: LocalOrthanc | None = None
        self._cache: Cache | None = None
        self._thumbnails: Thumbnails | None = None
        self._frames: FrameStore | None = None

    # ---- the archive

    @property
    def archive(self) -> Archive:
        """The archive that the settings name; at the very first start one is chosen and remembered."""
        with self._making:
            if self._archive is None:
                self.settings = _with_archive_chosen(self.settings)
                self._archive = self._open_archive()
            return self._archive

    @property
    def own_orthanc(self) -> Endpoint | None:
        """Our own local Orthanc with its password, if it is in use. Raises ``ArchiveUnreachable``."""
        _ = self.archive
        return self._local.ensure() if self._local else None

    def use_archive(self, kind: str, url: str = "", user: str = "", password: str = "") -> str:
        """Change to another archive once it has answered; returns its name and version. Raises ``ArchiveError``."""
        if url:
            url = checked_url(url)
            about = about_orthanc(Endpoint(url, user, password, self.settings.orthanc_ca))
            changed = save(self.settings, archive=kind, orthanc_url=url, orthanc_user=user, orthanc_password=password)
        else:
            changed = save(self.settings, archive=kind, orthanc_url="")
            about = ""
        audit.note(self.journal, this_user(), "archive changed", kind, url=url)
        with self._making:
            self._close_archive()
            self.settings = changed
            return about or self.archive.about()

    def _open_archive(self) -> Archive:
        settings = self.settings
        if settings.archive == "folder":
            return FolderArchive(settings.data_dir / "archive", read_header)
        if settings.orthanc_url:
            endpoint = orthanc_of(settings)
            return OrthancArchive(lambda: endpoint, f"orthanc:{endpoint.url}")
        self._local = LocalOrthanc(settings.data_dir / "orthanc")
        return OrthancArchive(self._local.ensure, f"orthanc:{settings.data_dir / 'orthanc'}", OWN_RULES)

    def _close_archive(self) -> None:
        if self._local:
            self._local.stop()
        self._archive = self._local = None

    # ---- the cache and pictures

    @property
    def cache(self) -> Cache:
        """The cache. Raises ``CacheHeld`` where another process owns it."""
        from dicomcore.cache.database import Cache

        with self._making:
            if self._cache is None:
                self._cache = Cache.open(self.settings.data_dir / "cache.duckdb")
            return self._cache

    @property
    def thumbnails(self) -> Thumbnails:
        """Pictures of slices, drawn in children and kept on disk."""
        from dicomcore.imaging.thumbnails import Thumbnails

        with self._making:
            if self._thumbnails is None:
                self._thumbnails = Thumbnails(
                    self.settings.data_dir / "thumbnails", lambda archive_id: self.archive.read(archive_id)
                )
            return self._thumbnails

    @property
    def frames(self) -> FrameStore:
        """Frames for the viewer, kept in memory; large objects lie on disk while somebody looks at them."""
        from dicomcore.imaging.frame_store import FrameStore

        with self._making:
            if self._frames is None:
                self._frames = FrameStore(self.settings.data_dir / "frames", lambda: self.archive)
            return self._frames

    def refresh(self) -> SyncResult:
        """Make the cache say what the archive holds. Raises ``ArchiveError`` and ``StoreError``."""
        from dicomcore.ingest.sync import sync

        with self._refreshing:
            batches = jobs.unsynced(self.journal)
            result = sync(self.archive, self.cache)
            jobs.mark_synced(self.journal, batches)
            log.info("cache in step", **asdict(result) | {"seconds": round(result.seconds, 3)})
            return result

    def follow_imports(self, stop: threading.Event) -> None:
        """Refresh the cache whenever a batch has ended, until told to stop; the app runs this in a thread."""
        patience = FOLLOW_SECONDS
        while not stop.wait(patience):
            try:
                if jobs.unsynced(self.journal):
                    self.refresh()
                patience = FOLLOW_SECONDS
            except DicomViewerError as error:
                log.warning("the cache could not follow", error=type(error).__name__)
                patience = min(patience * 2, 60.0)

    def close(self) -> None:
        """Let go of everything; our own Orthanc stops, its data stays. Workers go on."""
        self.wait_for_the_last()
        with self._making:
            if self._thumbnails:
                self._thumbnails.close()
            if self._frames:
                self._frames.close()
            if self._cache:
                self._cache.close()
            self._close_archive()
        self.journal.close()


def orthanc_of(settings: Settings) -> Endpoint:
    """The Orthanc that the settings name by its address."""
    return Endpoint(settings.orthanc_url, settings.orthanc_user, settings.orthanc_password, settings.orthanc_ca)


def about_orthanc(endpoint: Endpoint) -> str:
    """Name and version of the Orthanc there. Raises ``ArchiveUnreachable``, ``ArchiveDenied``, ``ArchiveError``."""
    return OrthancArchive(lambda: endpoint, "").about()


def orthanc_answers(endpoint: Endpoint) -> bool:
    """Whether an Orthanc answers there, for an offer on the config page."""
    with suppress(DicomViewerError, ValueError):
        return bool(about_orthanc(endpoint))
    return False


def orthanc_can_be_started() -> bool:
    """Whether this machine has the Orthanc program, so that our own local one can run."""
    return find_program() is not None


def read_header(path: Path) -> Header | None:
    """The header of one file, or None where no parser can read it."""
    seen = path.stat()
    return scan_file(os.fsencode(path.parent), FileFact.of(os.fsencode(path.name), seen)).header


def _with_archive_chosen(settings: Settings) -> Settings:
    """At the very first start: an Orthanc on this machine becomes our own, else the built-in archive serves."""
    if settings.archive:
        return settings
    with FileLock(settings.data_dir / "first-start.lock"):
        now = Settings(data_dir=settings.data_dir, log_dir=settings.log_dir)
        if now.archive:
            return now
        return save(settings, archive="orthanc" if find_program() or settings.orthanc_url else "folder")


def _make(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with suppress(PermissionError):  # patient data; a clone brings a folder that everybody may read
            folder.chmod(0o700)
    except OSError as error:
        raise StoreError(
            f"The folder {folder} cannot be made: {error.strerror}. "
            "Set DVP_DATA_DIR and DVP_LOG_DIR to folders of yours."
        ) from error

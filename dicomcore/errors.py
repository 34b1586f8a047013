"""Every error the engine raises on purpose.

    DicomViewerError            exit 1   HTTP 500
    ├── UsageError              exit 2   400   the request itself is wrong
    │   ├── PathProblem         exit 2   400   a folder that cannot be scanned
    │   ├── UnknownBatch        exit 2   404   no scan or batch of that id
    │   ├── UnknownId           exit 2   404   no patient, study, series or picture of that id
    │   └── SqlRefused          exit 2   400   not one plain SELECT
    ├── AccessRefused           exit 7   403   this person may not do that
    │   ├── NotSignedIn         exit 7   401   nobody known: no session or token, or one that is over
    │   ├── SignInFailed        exit 7   401   wrong name or password; never says which
    │   └── TooManyAttempts     exit 7   429   wrong passwords in a row, or too many requests: wait
    ├── ArchiveError            exit 3   502   the archive did not do what was asked
    │   ├── ArchiveUnreachable  exit 3   503   no answer: says nothing about what is stored
    │   │   └── ArchiveNotReady exit 3   503   it has not taken what was sent: busy, or not listening
    │   ├── ArchiveDenied       exit 3   502   wrong user or password
    │   ├── ArchiveUntrusted    exit 3   502   nothing vouches for its certificate: nothing was said to it
    │   ├── ArchiveFull         exit 3   507   no room left in the archive
    │   ├── Rejected            exit 1   422   this one file was refused, the rest goes on
    │   └── NotInArchive        exit 1   404   the archive answered: it has no such instance
    ├── StoreError              exit 4   500   our own journal or cache cannot be used
    │   ├── NewerSchema         exit 4   500   a store written by a newer version
    │   └── CacheHeld           exit 5   409   another process owns the cache
    ├── NotRunning              exit 4   503   the app has no engine: it could not start, or is about to stop
    ├── SourceLost              exit 1   409   a source file is gone or has changed since the scan
    ├── NotReplaced             exit 1   409   the archive's version could not be replaced; says what is there now
    ├── BackupFailed            exit 6   507   a backup could not be written, or not be read back
    │   └── BackupDamaged       exit 6   507   it lies there, but is not what was written
    ├── Undecodable             exit 1   422   a picture that cannot be drawn, with the reason
    └── ChildDied               exit 1   500   a watched child crashed, hung or ate its memory
        └── ChildFailed         exit 1   500   the function in it raised something unforeseen; the child lives

Each message says what happened and what to do about it; it may be shown to a person as it is.
"""

from __future__ import annotations


class DicomViewerError(Exception):
    """Base of all errors above: ``str(error)`` is the sentence for the person."""

    exit_code = 1
    http_status = 500


class UsageError(DicomViewerError):
    """The request itself is wrong."""

    exit_code = 2
    http_status = 400


class PathProblem(UsageError):
    """A folder that cannot be scanned: missing, a file, closed to us, or not allowed."""


class UnknownBatch(UsageError):
    """No scan or batch of that id in the journal."""

    http_status = 404


class UnknownId(UsageError):
    """No patient, study, series or picture of that id in what we know of the archive."""

    http_status = 404


class SqlRefused(UsageError):
    """Other people's SQL that is not one plain SELECT, or that broke its limits."""


class AccessRefused(DicomViewerError):
    """This person may not do that."""

    exit_code = 7
    http_status = 403


class NotSignedIn(AccessRefused):
    """Nobody known asks: there is no session or token, or it is over."""

    http_status = 401


class SignInFailed(AccessRefused):
    """The name or the password is wrong; it never says which."""

    http_status = 401


class TooManyAttempts(AccessRefused):
    """Too many wrong passwords in a row, or too many requests; ``seconds`` is how long to wait."""

    http_status = 429

    def __init__(self, message: str, seconds: float) -> None:
        super().__init__(message)
        self.seconds = seconds


class ArchiveError(DicomViewerError):
    """The archive did not do what was asked."""

    exit_code = 3
    http_status = 502


class ArchiveUnreachable(ArchiveError):
    """No answer from the archive. It says nothing about what is stored."""

    http_status = 503


class ArchiveNotReady(ArchiveUnreachable):
    """The archive is busy or takes no connection: nothing that it was to be sent has reached it."""


class ArchiveDenied(ArchiveError):
    """The archive does not accept the user name and password."""


class ArchiveUntrusted(ArchiveError):
    """The archive cannot show who it is, so that it was told nothing, our password least of all."""


class ArchiveFull(ArchiveError):
    """The archive has no room left."""

    http_status = 507


class Rejected(ArchiveError):
    """The archive refuses this one file; the message is its reason in plain words."""

    exit_code = 1
    http_status = 422


class NotInArchive(ArchiveError):
    """The archive answered that it has no such instance."""

    exit_code = 1
    http_status = 404


class StoreError(DicomViewerError):
    """The journal or the cache cannot be used: the work stops."""

    exit_code = 4


class NewerSchema(StoreError):
    """The store was written by a newer version of this program."""


class CacheHeld(StoreError):
    """Another process has the cache open: DuckDB has one owner at a time."""

    exit_code = 5
    http_status = 409


class NotRunning(DicomViewerError):
    """The app serves its pages but has no engine: it could not start, or is about to stop."""

    exit_code = 4
    http_status = 503


class SourceLost(DicomViewerError):
    """A source file is gone, or is not what the scan has seen."""

    http_status = 409


class NotReplaced(DicomViewerError):
    """The archive's version of a file was not replaced; the message says what the archive holds now."""

    http_status = 409


class BackupFailed(DicomViewerError):
    """A backup could not be written, or not be read back: never take it for one that is there."""

    exit_code = 6
    http_status = 507


class BackupDamaged(BackupFailed):
    """What lies in the backup folder is not what was written there."""


class Undecodable(DicomViewerError):
    """A picture that cannot be drawn; the message says why."""

    http_status = 422


class ChildDied(DicomViewerError):
    """A watched child process crashed, ran out of time or ran out of memory."""


class ChildFailed(ChildDied):
    """The function in a watched child raised an error that is none of ours: its name and message."""

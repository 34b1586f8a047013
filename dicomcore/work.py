"""The main line of a worker: ``python -m dicomcore work ID``. It imports no more than a job needs."""

from __future__ import annotations

import sys

from dicomcore import logs
from dicomcore.crashes import only_crashes_are_told
from dicomcore.errors import DicomViewerError
from dicomcore.services import Services
from dicomcore.settings import load

log = logs.logger(__name__)


def main(job_id: str) -> None:
    """Do one job; an error that no job can tell of is one sentence on standard error and its own exit code."""
    try:
        services = Services(load())
        with logs.kept_in(services.settings.log_dir / "import.log"):
            only_crashes_are_told()
            try:
                services.work(job_id)
            except DicomViewerError as error:
                log.error("the worker ended", job_id=job_id, error=type(error).__name__)
                raise
            finally:
                services.close()
    except DicomViewerError as error:
        print(error, file=sys.stderr)
        sys.exit(error.exit_code)

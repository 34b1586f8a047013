"""Waiting a while for a background job, without holding a thread."""

from __future__ import annotations

import asyncio
from time import monotonic

from fastapi.concurrency import run_in_threadpool

from dicomcore.model import Job
from dicomcore.services import Services

LOOK_SECONDS = 0.1


async def wait_for(services: Services, job_id: str, most_seconds: float) -> Job:
    """The job when it is at rest, or as it stands after ``most_seconds``. Raises ``UnknownBatch``."""
    end = monotonic() + most_seconds
    job = await run_in_threadpool(tended, services, job_id)
    while not job.status.at_rest and monotonic() < end:
        await asyncio.sleep(LOOK_SECONDS)
        job = await run_in_threadpool(tended, services, job_id)
    return job


def tended(services: Services, job_id: str) -> Job:
    """The job as it stands; a worker that died is started again. Raises ``UnknownBatch``."""
    services.tend(job_id)
    return services.job(job_id)

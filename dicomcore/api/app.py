"""The REST API, mounted at /api."""

from __future__ import annotations

from fastapi import FastAPI
from starlette.middleware import Middleware

import dicomcore
from dicomcore.api import (
    archive,
    audit,
    batches,
    doctor,
    explore,
    export,
    frames,
    hospital_config,
    instances,
    me,
    openapi,
    overlays,
    patients,
    pictures,
    volumes,
)
from dicomcore.api.asking import Engine, OnlyTheKnown
from dicomcore.api.limits import BodyLimit
from dicomcore.api.openapi import ABOUT, SEND_A_TOKEN, TITLE, USUAL, describe, errors
from dicomcore.api.problems import Unforeseen, answer_with_problems

ROUTERS = (
    hospital_config.router,
    batches.router,
    me.router,
    patients.router,
    pictures.router,
    instances.router,
    frames.router,
    volumes.router,
    overlays.router,
    explore.router,
    export.router,
    archive.router,
    audit.router,
    doctor.router,
    openapi.router,
)
"""The modules of routes."""


def make_api(engine: Engine) -> FastAPI:
    """The API of the services that ``engine`` gives."""
    api = FastAPI(
        title=TITLE,
        version=dicomcore.__version__,
        description=ABOUT,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        dependencies=[SEND_A_TOKEN],
        responses=errors(*USUAL),
        middleware=[Middleware(Unforeseen), Middleware(OnlyTheKnown, engine), Middleware(BodyLimit)],
        telemetry={"tracing": False, "metrics": False, "logs": False, "auto_configure": False},
    )
    for router in ROUTERS:
        api.include_router(router)
    answer_with_problems(api)
    describe(api)
    return api

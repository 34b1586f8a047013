"""The REST API, mounted at /api."""

from __future__ import annotations

from fastapi import FastAPI

import dicomcore
from dicomcore.api import me
from dicomcore.api.asking import Engine
from dicomcore.api.problems import answer_with_problems

ROUTERS = (me.router,)
"""The modules of routes."""


def make_api(engine: Engine) -> FastAPI:
    """The API of the services that ``engine`` gives."""
    api = FastAPI(title="DICOM Viewer Pro", version=dicomcore.__version__, docs_url=None, redoc_url=None)
    api.state.engine = engine
    for router in ROUTERS:
        api.include_router(router)
    answer_with_problems(api)
    return api

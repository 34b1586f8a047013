"""The viewer in a real browser, over the real routes: from a study to slices that move."""

from __future__ import annotations

import re
import time
from contextlib import closing

from playwright.sync_api import expect

from dicomcore.cache import queries
from dicomcore.cache.queries import PatientFilter
from dicomcore.services import Services
from dicomcore.settings import Settings, save
from dicomcore.visitor import SESSION_COOKIE
from tests.browser.conftest import RunningApp, Visits
from tests.visitors import session_of

PATIENCE_MS = 30_000
PATIENCE_SECONDS = 60.0

BRIGHTEST = """stage => {
  const canvas = stage.querySelector(".picture");
  return canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data
    .reduce((most, value, at) => at % 4 ? most : Math.max(most, value), 0);
}"""


def test_a_series_is_opened_drawn_and_walked_through(running_app: RunningApp, visits: Visits) -> None:
    session, study = _with_the_demo(running_app)
    complaints: list[str] = []
    with visits.begin() as context:
        context.add_cookies([{"name": SESSION_COOKIE, "value": session, "url": running_app.url}])
        page = context.new_page()
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("console", lambda told: complaints.append(told.text) if "Security Policy" in told.text else None)
        page.goto(f"{running_app.url}/viewer?study={study}")
        page.get_by_role("button", name=re.compile("Axial 5 mm soft tissue")).click(timeout=PATIENCE_MS)
        stage = page.locator(".stage").first
        expect(stage).to_have_attribute("aria-label", re.compile(r"Series 2, image \d+ of 40$"), timeout=PATIENCE_MS)
        stage.focus()
        page.keyboard.press("Home")
        page.keyboard.press("ArrowDown")
        expect(stage).to_have_attribute("aria-label", re.compile("image 2 of 40$"))
        expect(page.locator(".corner.top_left").first).to_contain_text("DEMO-0002")
        page.wait_for_function(f"stage => ({BRIGHTEST})(stage) > 100", arg=stage.element_handle(), timeout=PATIENCE_MS)
    assert complaints == []


def _with_the_demo(app: RunningApp) -> tuple[str, str]:
    """An app that holds the demo; the session of an admin, and the id of the CT study."""
    app.stop()
    settings = Settings(data_dir=app.data_dir, log_dir=app.data_dir.parent / "logs")
    with closing(Services(save(settings, archive="folder"))) as services:
        session, batch = session_of(services), services.start_demo()
        until = time.monotonic() + PATIENCE_SECONDS
        while not services.job(batch).status.at_rest:
            assert time.monotonic() < until
            time.sleep(0.1)
        services.refresh()
        (patient,) = queries.search_patients(services.cache, PatientFilter("DEMO-0002")).rows["id"]
        studies = queries.studies_of(services.cache, patient)
        study = studies[studies["series"] > 1]["id"].iloc[0]
    app.start()
    return session, study

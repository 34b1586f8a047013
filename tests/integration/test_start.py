"""The app does not start where others could come in and must not."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from tests.browser.conftest import PROJECT

SECONDS = 60


def test_behind_a_proxy_it_starts_only_with_a_user_and_allowed_folders(tmp_path: Path) -> None:
    places = {"DVP_DATA_DIR": str(tmp_path / "data"), "DVP_LOG_DIR": str(tmp_path / "logs"), "DVP_ARCHIVE": "folder"}
    ended = subprocess.run(
        [sys.executable, "-m", "streamlit", "run", "app.py", "--server.port", "0"],
        cwd=PROJECT,
        env={**os.environ, **places, "DVP_PUBLIC_URL": "https://dicom.example.org"},
        capture_output=True,
        text=True,
        timeout=SECONDS,
    )
    assert ended.returncode != 0
    assert "DICOM Viewer Pro does not start" in ended.stderr
    assert "users add NAME --role admin" in ended.stderr
    assert "Traceback" not in ended.stderr

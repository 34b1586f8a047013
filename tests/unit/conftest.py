"""What unit tests share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import streamlit as st

from dicomcore.settings import Settings
from pages.widgets import at_work
from tests.one_process import OneProcess
from tests.visitors import signed_in


@pytest.fixture
def engine(settings: Settings) -> Iterator[OneProcess]:
    """The engine behind the pages, which do all work at once; an admin looks at them."""
    st.cache_data.clear()
    services = OneProcess(settings)
    at_work.hand_over(services)
    with signed_in(services):
        yield services
    at_work.hand_over(None)
    services.close()

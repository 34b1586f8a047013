"""Pages that are clicked through, as a person sees them."""

from __future__ import annotations

import json
from pathlib import Path

from google.protobuf.json_format import MessageToJson
from streamlit.testing.v1 import AppTest

from tests.one_process import OneProcess

MAIN = Path(__file__).resolve().parents[1] / "pages" / "main.py"
SECONDS = 30

HOSTILE = ["![x](http://evil/x.png)", "<script>alert(1)</script>", "=cmd()", "$x$ :smile:", "N" * 10_000]


def page(name: str = "", **query: str) -> AppTest:
    """A page as a new visitor sees it."""
    app = AppTest.from_file(MAIN, default_timeout=SECONDS)
    if name:
        app.switch_page(f"{name}.py")
    app.query_params.update(query)
    return lives(app.run())


def lives(app: AppTest) -> AppTest:
    assert not app.exception, app.exception[0].stack_trace
    return app


def press(app: AppTest, label: str) -> AppTest:
    return lives(next(button for button in app.button if button.label == label).click().run())


def scan(folder: object) -> AppTest:
    app = page("hospital_config")
    app.text_input(key="folder").input(str(folder))
    return press(app, "Scan Directory")


def imported(engine: OneProcess, folder: Path) -> None:
    engine.import_folder(str(folder))
    engine.refresh()


def markdown(app: AppTest) -> str:
    """All that Markdown would be found in."""
    kinds = (app.markdown, app.caption, app.error, app.warning, app.info, app.success, app.title, app.header)
    texts = [element.value for kind in (*kinds, app.subheader) for element in kind]
    return "\n".join([*texts, *(button.label for button in app.button), *(metric.label for metric in app.metric)])


def cells(app: AppTest) -> set[str]:
    return {str(cell) for frame in app.dataframe for column in frame.value for cell in frame.value[column]}


def texts(app: AppTest) -> list[str]:
    return [text.value for text in app.text]


def pictures(app: AppTest) -> int:
    return sum(len(images.proto.imgs) for images in app.image)


def everything(app: AppTest) -> str:
    """All that the browser is sent: every element with its tables, and what stands in the address."""
    told = [json.dumps(dict(app.query_params))]
    for element in (one for block in (app.main, app.sidebar) for one in block):
        told.append(MessageToJson(element.proto, ensure_ascii=False) if element.proto is not None else "")
    told += [frame.value.to_csv() for frame in app.dataframe]
    return "\n".join(told).lower().replace("\\", "").replace("\N{WORD JOINER}", "")  # as people read it

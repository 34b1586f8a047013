"""Small pages drawn here, without a script and without Streamlit: they work before anybody has signed in."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape

from starlette.responses import HTMLResponse

from dicomcore.api.headers import policy

STYLE = """
:root { color-scheme: light dark; --back: #fbfcfd; --card: #fff; --line: #d5dde2; --field: #eef2f4; --text: #1d2a33;
  --soft: #55646f; --accent: #0f6b80; --button: #0f6b80; --wrong: #a3262a; --wrong-back: #fdeeee; }
@media (prefers-color-scheme: dark) { :root { --back: #12181d; --card: #171f25; --line: #2f3b44; --field: #1b242b;
  --text: #e3eaee; --soft: #9fb0ba; --accent: #6cc4d6; --button: #1f7b91; --wrong: #ffb4b1; --wrong-back: #3a2023; } }
* { box-sizing: border-box; }
body { margin: 0; min-height: 100vh; display: flex; flex-direction: column; align-items: center;
  padding: 12vh 1rem 1rem; background: var(--back); color: var(--text);
  font: 15px/1.5 "Source Sans 3", "Source Sans Pro", "Segoe UI", system-ui, Helvetica, Arial, sans-serif; }
header { margin-bottom: 1.5rem; }
header img { display: block; height: 32px; }
main { width: 100%; max-width: 23.5rem; background: var(--card); border: 1px solid var(--line); border-radius: 8px;
  padding: 1.6rem 1.75rem 1.75rem; }
h1 { font-size: 1.35rem; line-height: 1.3; font-weight: 600; margin: 0 0 1rem; }
p { margin: 0 0 1rem; overflow-wrap: anywhere; }
main > :last-child, form > :last-child { margin-bottom: 0; }
label { display: block; font-size: .9rem; margin: 0 0 .25rem; }
input { width: 100%; height: 2.6rem; padding: 0 .7rem; margin: 0 0 1rem; font: inherit; color: inherit;
  background: var(--field); border: 1px solid var(--line); border-radius: 6px; }
button, .button { display: flex; align-items: center; justify-content: center; width: 100%; min-height: 2.6rem;
  padding: .3rem .8rem; font: inherit; font-weight: 600; text-decoration: none; cursor: pointer; border-radius: 6px;
  color: #fff; background: var(--button); border: 1px solid var(--button); }
button:hover { filter: brightness(1.1); }
.button { color: var(--text); background: none; border-color: var(--line); margin-top: .75rem; }
.button:hover { border-color: var(--accent); color: var(--accent); }
input:focus-visible, button:focus-visible, a:focus-visible { outline: 2px solid var(--accent); outline-offset: 1px; }
a { color: var(--accent); }
code { font-size: .9em; overflow-wrap: anywhere; }
.wrong { color: var(--wrong); background: var(--wrong-back); border-radius: 6px; padding: .6rem .75rem; }
.hint { background: var(--field); border-radius: 6px; padding: .6rem .75rem; }
.soft, footer { color: var(--soft); font-size: .85rem; }
.soft { margin: -.6rem 0 1rem; }
footer { margin-top: 1.5rem; text-align: center; }
"""
PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title} · DICOM Viewer Pro</title>
<link rel="icon" href="/login/icon.svg">
<style>{style}</style>
</head>
<body>
<header><img src="/login/logo.svg" alt="DICOM Viewer Pro"></header>
<main>
<h1>{title}</h1>
{body}
</main>
<footer>Not a medical device, not for diagnosis</footer>
</body>
</html>
"""
NO_SCRIPTS = {"Content-Security-Policy": policy(script_src="'none'", connect_src="'none'", worker_src="'none'")}


def page(title: str, body: str, status: int = 200, headers: Mapping[str, str] | None = None) -> HTMLResponse:
    """A page of our looks around a body of HTML."""
    shown = PAGE.format(title=escape(title), style=STYLE, body=body)
    return HTMLResponse(shown, status, {**NO_SCRIPTS, **(headers or {})})


def told(sentence: str) -> str:
    """A paragraph; the sentence may hold anything."""
    return f"<p>{escape(sentence)}</p>"


def wrong(sentence: str) -> str:
    """What went wrong, read out by screen readers; nothing where nothing did."""
    return f'<p class="wrong" role="alert">{escape(sentence)}</p>' if sentence else ""


def hint(sentence: str) -> str:
    """Why the page stands there, read out by screen readers; nothing where nothing is to be said."""
    return f'<p class="hint" role="status">{escape(sentence)}</p>' if sentence else ""


def field(label: str, name: str, value: str = "", **more: str) -> str:
    """A labelled field; ``more`` are attributes of the input, such as ``type``."""
    attributes = "".join(f' {key}="{escape(said)}"' for key, said in ({"type": "text"} | more).items())
    return (
        f'<label for="{name}">{escape(label)}</label>'
        f'<input id="{name}" name="{name}" value="{escape(value)}" required{attributes}>'
    )

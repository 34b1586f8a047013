"""The same study in the archive's own pages and in the viewers that it has as plugins."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import quote

from dicomcore.archive.examination import ask_plugins
from dicomcore.services import Services, orthanc_of

WEASIS = '$dicom:rs --url "{url}/dicom-web" -r "studyUID={uid}"'
"""What Weasis is told to load; the whole of it is quoted once more."""

PLUGINS = {
    "orthanc-explorer-2": ("Orthanc Explorer 2", "{url}/ui/app/#/filtered-studies?StudyInstanceUID={uid}"),
    "ohif": ("OHIF", "{url}/ohif/viewer?url=../studies/{id}/ohif-dicom-json"),
    "stone-webviewer": ("Stone Web Viewer", "{url}/stone-webviewer/index.html?study={uid}"),
    "osimis-web-viewer": ("Osimis Web Viewer", "{url}/osimis-viewer/app/index.html?study={id}"),
}
"""Viewers by the name that Orthanc gives their plugin."""


@dataclass(frozen=True, slots=True)
class Way:
    """A program's name and the address of the study in it."""

    name: str
    url: str


@dataclass(frozen=True, slots=True)
class Ways:
    """Where a study can be opened too; ``why_none`` in a sentence where it cannot."""

    ways: tuple[Way, ...]
    why_none: str = ""


def ways(services: Services, study_id: str, study_uid: str) -> Ways:
    """Orthanc's explorer, and each viewer whose plugin is there. Raises ``ArchiveError`` where it does not answer."""
    if services.archive and services.settings.archive == "folder":
        return Ways((), "The built-in archive has no pages of its own.")
    if not services.settings.orthanc_url:
        return Ways((), "Our own local Orthanc answers this program alone; nothing else can open the study in it.")
    endpoint = orthanc_of(services.settings)
    return Ways(tuple(_ways(endpoint.url, ask_plugins(lambda: endpoint), study_id, study_uid)))


def _ways(url: str, plugins: tuple[str, ...], study_id: str, study_uid: str) -> list[Way]:
    told = {"url": url, "id": quote(study_id, safe=""), "uid": quote(study_uid, safe="")}
    found = [Way("Orthanc Explorer", "{url}/app/explorer.html#study?uuid={id}".format_map(told))]
    found += [Way(name, place.format_map(told)) for plugin, (name, place) in PLUGINS.items() if plugin in plugins]
    if "dicom-web" in plugins:
        found.append(Way("Weasis", f"weasis://{quote(WEASIS.format_map(told), safe='')}"))
    return found

"""Folders that are imported by themselves when their files have stopped changing: for the app and the command line."""

from __future__ import annotations

from dicomcore.journal.watched_folders import WatchedFolder
from dicomcore.watches.folder_watch import FolderWatch, watch_folder
from dicomcore.watches.folders import QUIET_SECONDS, add_watch, folder_to_watch, remove_watch, watches
from dicomcore.watches.presence import is_anybody_watching
from dicomcore.watches.standing import LOOK, last_needs_a_look, problem, state, watch_table
from dicomcore.watches.watcher import Watcher

__all__ = [
    "LOOK",
    "QUIET_SECONDS",
    "FolderWatch",
    "WatchedFolder",
    "Watcher",
    "add_watch",
    "folder_to_watch",
    "is_anybody_watching",
    "last_needs_a_look",
    "problem",
    "remove_watch",
    "state",
    "watch_folder",
    "watch_table",
    "watches",
]

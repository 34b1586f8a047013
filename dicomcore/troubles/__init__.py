"""Trouble seen early: what in a scan will be refused, mixed up, incomplete or unreadable once it is imported."""

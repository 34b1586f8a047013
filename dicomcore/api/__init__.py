"""What other programs and the browser's forms talk to: the REST API under /api, and signing in."""

"""From stored bytes to pictures."""

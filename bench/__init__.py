"""Benchmarks against peers: ``python -m bench NAME``. Figures move with the machine, ratios less."""

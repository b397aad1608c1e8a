"""Measurements of speed and quality, each beside a named baseline in the same run; started with `python -m`."""

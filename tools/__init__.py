"""Tools for working on Pathrec; not installed."""

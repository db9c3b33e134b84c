"""Stands before dnspython in PYTHONPATH: as if the extra `dns` were not installed."""

raise ImportError("No module named 'dns'")

"""Dashboards for Grafana; `python -m dashboards.generate` writes what is made here."""

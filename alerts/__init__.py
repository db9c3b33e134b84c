"""Rules for Prometheus and Alertmanager; `python -m alerts.generate` writes what is made here."""

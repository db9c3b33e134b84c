"""The acceptance test: three machines with a real systemd in three zones, and the provider.

`make acceptance` tells it as a story with times, and ends with what was promised and kept.
"""

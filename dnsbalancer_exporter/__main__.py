"""``python -m dnsbalancer_exporter`` is the command ``dnsbalancer``."""

import sys

from dnsbalancer_exporter.cli import main

if __name__ == "__main__":
    sys.exit(main())

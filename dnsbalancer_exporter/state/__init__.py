"""What is kept between two runs: drains, learned targets that were withdrawn, restraints.

One small file in `state_dir`, written anew as a whole (a temporary file, fsync, rename) when
something in it has changed. One that cannot be used, whatever the reason, is set aside under
another name: it is never a reason not to start, and neither is a full disk.
"""

from dnsbalancer_exporter.state.document import (
    VERSION,
    Document,
    Unusable,
    of_document,
    to_document,
)
from dnsbalancer_exporter.state.file import LARGEST, NAME, TEMPORARY, Claim, load, read, write

__all__ = [
    "LARGEST",
    "NAME",
    "TEMPORARY",
    "VERSION",
    "Claim",
    "Document",
    "Unusable",
    "load",
    "of_document",
    "read",
    "to_document",
    "write",
]

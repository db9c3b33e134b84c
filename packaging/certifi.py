"""Stands in for certifi in the single file: the system's authorities, and none of our own.

A list of authorities frozen into a file that is updated by hand grows old; the system's is kept.
`where` is asked when requests is imported, and must then need neither a temporary folder (which
certifi's own takes when it lies in a zip) nor that the file exists: the first request says so.
"""

import os

STORES = (
    "/etc/ssl/certs/ca-certificates.crt",  # Debian, Ubuntu, Alpine
    "/etc/pki/tls/certs/ca-bundle.crt",  # RED OS, Fedora, RHEL
    "/usr/local/share/certs/ca-root-nss.crt",  # FreeBSD, from a package
    "/etc/ssl/cert.pem",  # FreeBSD, the base system
)


def where() -> str:
    """The system's bundle; if there is none, the path where most systems would have it."""
    return next(filter(os.path.isfile, STORES), STORES[0])


def contents() -> str:
    """What the bundle holds; raises OSError if there is none."""
    with open(where(), encoding="ascii") as stream:
        return stream.read()

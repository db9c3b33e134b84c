"""Which certificate authorities are trusted, when the operator does not say."""

from __future__ import annotations

import ssl
from collections.abc import Callable, Mapping
from pathlib import Path

import certifi

VARIABLES = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE")
"""Environment variables that name a bundle, the first one that is set wins."""

STORES = (
    "/etc/ssl/certs/ca-certificates.crt",  # Debian, Ubuntu, Alpine
    "/etc/pki/tls/certs/ca-bundle.crt",  # RED OS, Fedora, RHEL
    "/usr/local/share/certs/ca-root-nss.crt",  # FreeBSD, from a package
    "/etc/ssl/cert.pem",  # FreeBSD, the base system
)


def _is_file(path: str) -> bool:
    return Path(path).is_file()


def trust(
    ca_file: str | None,
    environ: Mapping[str, str],
    is_file: Callable[[str], bool] = _is_file,
) -> str:
    """The bundle to verify servers with: ``ca_file``, the environment's, the system's, certifi's.

    What a person named is taken as it is: if it cannot be read, the first request says so. The
    system's store comes before certifi's because a company's own authority is in the former.
    """
    named = [ca_file, *(environ.get(variable) for variable in VARIABLES)]
    found = [ssl.get_default_verify_paths().openssl_cafile, *STORES]
    candidates = [*filter(None, named), *filter(is_file, found), certifi.where()]
    return candidates[0]

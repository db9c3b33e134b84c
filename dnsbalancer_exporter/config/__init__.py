"""The configuration file: one frozen value, or every problem at once, each with line and key.

    yaml_text   bytes to a tree of texts that know their line
    values      one text to one value; told: and what it may be
    sections    a mapping by a table of keys
    targets     addresses with probes and names
    top_keys pool_keys http_keys schema     the table
    api pools probes files   the checks that relate keys to each other, and the building
    load        all of it, in order
    fingerprint whether two files say the same, and nothing of the password
    web_keys web_file   the same for the file with TLS and users of the port

Pure: environment and file reading are arguments.
"""

from __future__ import annotations

from dnsbalancer_exporter.config.api import Api
from dnsbalancer_exporter.config.load import Config, find_state_dir, parse, problem_of_oserror
from dnsbalancer_exporter.config.schema import KEYS, Row, reference, reference_within
from dnsbalancer_exporter.config.web_file import TlsTerms, WebConfig, parse_web
from dnsbalancer_exporter.config.web_keys import ClientCertificate, TlsVersion

__all__ = [
    "KEYS",
    "Api",
    "ClientCertificate",
    "Config",
    "Row",
    "TlsTerms",
    "TlsVersion",
    "WebConfig",
    "find_state_dir",
    "parse",
    "parse_web",
    "problem_of_oserror",
    "reference",
    "reference_within",
]

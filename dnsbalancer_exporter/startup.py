"""Where the configuration is, and reading it with all that it names."""

from __future__ import annotations

import contextlib
import os
import resource
import stat
import sys
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

from dnsbalancer_exporter import plain_file
from dnsbalancer_exporter.config import Config, find_state_dir, parse, problem_of_oserror
from dnsbalancer_exporter.errors import ConfigError, Problem
from dnsbalancer_exporter.export.access import read_access
from dnsbalancer_exporter.nameservers import MISSING
from dnsbalancer_exporter.provider import unusable

DEFAULT_CONFIG = "/etc/dnsbalancer/config.yaml"
LOCAL_CONFIG = "/usr/local/etc/dnsbalancer/config.yaml"
CREDENTIALS = {"CREDENTIALS_DIRECTORY": "/etc/dnsbalancer"}
"""Where the unit has the password from, for those who run a verb by hand."""


def default_config(
    platform: str = sys.platform, is_file: Callable[[str], bool] = os.path.isfile
) -> str:
    """Where the configuration is looked for when nothing says where."""
    if platform.startswith("freebsd") and (is_file(LOCAL_CONFIG) or not is_file(DEFAULT_CONFIG)):
        return LOCAL_CONFIG
    return DEFAULT_CONFIG


def take_descriptors() -> None:
    """Have as many files open as we may: each tcp probe on its way is one, so ten thousand targets
    that swallow packets are ten thousand. The usual soft limit is 1024.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != hard:
        with contextlib.suppress(OSError, ValueError):  # "unlimited" is not always for everybody
            resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def load(file: str, environ: Mapping[str, str] = os.environ) -> Config:
    """Read and parse a configuration file; raises ConfigError with every problem in it."""
    data, mode = _read(file)
    environ = {**CREDENTIALS, **environ}
    config = parse(data, file, environ, lambda name: Path(name).read_bytes(), plain_file.read)
    why = unusable(config.api.driver)
    if why:
        raise ConfigError(file, (Problem(0, "config.driver", f"cannot be used here: {why}"),))
    if stat.S_ISREG(mode) and mode & stat.S_IROTH:
        note = f"{file} can be read by everybody and holds a login: chmod 0640, or password_file"
        config = replace(config, notes=(*config.notes, note))
    if MISSING and any(pool.resolvers for pool in config.pools):
        note = f"{file}: resolvers: nobody is asked in DNS: {MISSING}"
        config = replace(config, notes=(*config.notes, note))
    return config


def state_dir_of(file: str, environ: Mapping[str, str] = os.environ) -> str:
    """Where a daemon keeps its state whose configuration is refused by now; raises ConfigError if
    the file cannot be read.
    """
    return find_state_dir(_read(file)[0], environ)


def _read(file: str) -> tuple[bytes, int]:
    """What is in it, and its mode."""
    try:
        with Path(file).open("rb") as stream:
            return stream.read(plain_file.LARGEST + 1), os.fstat(stream.fileno()).st_mode
    except OSError as error:
        raise ConfigError(file, (problem_of_oserror(error),)) from None


def load_to_serve(file: str) -> Config:
    """The same, then also every problem of its `web_config_file`, certificate and key included."""
    config = load(file)
    if config.web_config_file:
        notes = read_access(config.web_config_file).notes
        config = replace(config, notes=(*config.notes, *notes))
    return config

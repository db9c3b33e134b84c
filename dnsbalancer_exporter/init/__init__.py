"""The verb `init`: asks, or takes flags, and writes a commented configuration that works.

    questions    what may be answered: a row per key
    sheet        the answers as the text that they make; `config.parse` judges it
    dialogue     the questions in their order, or all at once without a terminal
    account address     what the provider, and this machine, know already
    terminal     who is asked
    files unit   what is written, and the service
    deed         all of it, in order

`deed` and what it needs is imported when it is wanted: every other start does without. The files of
packaging/ that lie here as links are contents in the wheel and in the single file.
"""

from __future__ import annotations

import argparse

from dnsbalancer_exporter.init.questions import add_flags

LINE = "ask for what is needed, try it, and write a commented configuration"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The flags of the verb."""
    parser.add_argument(
        "file", metavar="FILE", nargs="?", help="what is written (default: the configuration)"
    )
    add_flags(parser)
    for flag, line in (
        ("--force", "replace a configuration that is there, and keep it under another name"),
        ("--dry-run", "print what would be written, the password as stars; write nothing"),
    ):
        parser.add_argument(flag, action="store_true", help=line)
    parser.add_argument(
        "--unit",
        action=argparse.BooleanOptionalAction,
        default=None,
        help="enable and start the systemd service; its unit is written if there is none",
    )


def act(options: argparse.Namespace) -> int:
    """Do it."""
    from dnsbalancer_exporter.init.deed import init  # noqa: PLC0415

    return init(options)

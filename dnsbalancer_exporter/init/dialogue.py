"""The questions in their order, each judged at once, with what the provider knows beside them."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from dnsbalancer_exporter.errors import (
    ApiReason,
    ConfigError,
    DnsBalancerError,
    Problem,
    ProviderError,
)
from dnsbalancer_exporter.init.account import Account, LoginRefused
from dnsbalancer_exporter.init.address import Hint, own_address
from dnsbalancer_exporter.init.questions import (
    AUTH_URL,
    DOCS,
    INTERVAL,
    LOGIN,
    MEMBER,
    OWN_IP,
    PORT,
    PROJECT,
    PROTOCOL,
    QUESTIONS,
    RECORD,
    TARGETS,
    URL,
    WHERE_ELSE,
    ZONE,
    Question,
    WrongFlags,
    is_elsewhere,
)
from dnsbalancer_exporter.init.sheet import Sheet, Value, preset
from dnsbalancer_exporter.init.terminal import Terminal
from dnsbalancer_exporter.model import DEFAULT_PORTS, Protocol, Record
from dnsbalancer_exporter.names import fqdn

T = TypeVar("T")

LOGIN_TRIES = 3
"""Refused logins after which we give up: providers lock accounts."""

ALONE = "Is this machine one of those behind the name? If not, it only watches"


class Ended(DnsBalancerError):
    """There is no going on; the text says why, and what to do."""


class Dialogue:
    """Completes a sheet by asking. Nothing is written by it, here or at the provider."""

    def __init__(self, sheet: Sheet, terminal: Terminal) -> None:
        self._sheet = sheet
        self._terminal = terminal

    def complete(self) -> None:
        """Ask for all that is not answered; raises Ended, NoMoreAnswers and ConfigError."""
        answers = self._sheet.answers
        # a full name can be judged only with its zone
        early = {RECORD.key: answers.pop(RECORD.key)} if RECORD.key in answers else {}
        self._judge_flags()
        if is_elsewhere(self._sheet):
            for question in (URL, AUTH_URL):
                self._ask(question)
        elif answers.get("driver"):
            self._ask(URL, preset(URL.key))
        for question in (LOGIN, PROJECT):
            self._ask(question)
        self._ask_password()
        self._log_in()
        self._ask_zone()
        answers.update(early)
        self._ask(RECORD, preset("record"))
        zone, names = _names(self._sheet)
        held = self._reached(URL, lambda account: account.held(zone, names))
        self._terminal.say(f"  {told(names, held)}")
        self._ask_members({record.value for record in held})
        self._ask(PROTOCOL, preset("protocol"))
        protocol = self._sheet.so_far().pools[0].probe.protocol
        if protocol is not Protocol.ICMP:
            self._ask(PORT, str(DEFAULT_PORTS.get(protocol, preset("port"))))
        self._ask(INTERVAL, preset("interval"))
        self._sheet.config()

    # --- one answer -----------------------------------------------------------------------

    def _ask(self, question: Question, proposal: str = "") -> None:
        """Ask until the schema has nothing against it; an answer that is there is judged only."""
        answers = self._sheet.answers
        while True:
            if question.key not in answers:
                answers[question.key] = question.answer(self._terminal.ask(question.text, proposal))
            faults = self._faults(question)
            if not faults:
                break
            self._terminal.say(f"  {question.key} {'; '.join(faults)}")
            del answers[question.key]
        for note in self._sheet.notes(question.key):
            self._terminal.say(f"  note: {note}")

    def _judge_flags(self) -> None:
        """Forget wrong ones that are asked for; raises WrongFlags for the others."""
        wrong = [q for q in QUESTIONS if q.key in self._sheet.answers and self._faults(q)]
        for question in wrong:
            text = "; ".join(self._faults(question))
            if not question.text:
                raise WrongFlags([Problem(0, question.flag, text)])
            self._terminal.say(f"  {question.flag} {text}")
        for question in wrong:
            del self._sheet.answers[question.key]

    def _faults(self, question: Question) -> tuple[str, ...]:
        if self._sheet.answers[question.key] == "":
            return ("is needed",)
        return self._sheet.faults(question.key)

    def _ask_again(self, *questions: Question) -> None:
        """Ask for other answers; the old ones are proposed."""
        for question in questions:
            old = self._sheet.answers.pop(question.key, preset(question.key))
            self._ask(question, old if isinstance(old, str) else "")

    def _ask_password(self) -> None:
        sheet = self._sheet
        while True:
            if sheet.password is None and not sheet.password_file:
                sheet.password = self._terminal.ask_hidden("Password (it is not shown)")
            key = "password_file" if sheet.password_file else "password"
            faults = sheet.faults(key)
            if not faults:
                return
            self._terminal.say(f"  {key} {'; '.join(faults)}")
            sheet.password, sheet.password_file = None, ""

    # --- the account ----------------------------------------------------------------------

    def _log_in(self) -> None:
        for refused in range(1, LOGIN_TRIES + 1):
            self._meet()
            try:
                tried = self._reached(AUTH_URL, Account.log_in)
            except LoginRefused as error:
                self._terminal.say(f"  {error}")
            else:
                if tried:
                    self._terminal.say("  the login works")
                return
            if refused < LOGIN_TRIES:
                count = f"refused {refused} of {LOGIN_TRIES} times"
                self._terminal.say(f"  {count}; after too many, providers lock an account")
                self._ask_account()
        text = "find out what is right before the next try"
        raise Ended(f"the login was refused {LOGIN_TRIES} times: {text}")

    def _ask_account(self) -> None:
        """Ask for another login, as far as the driver has one, and another password."""
        answered = self._sheet.answers
        self._ask_again(*(q for q in (LOGIN, PROJECT) if answered.get(q.key) is not None))
        self._sheet.password, self._sheet.password_file = None, ""
        self._ask_password()

    def _meet(self) -> None:
        self._account = Account(self._sheet.so_far().api)

    def _reached(self, question: Question, act: Callable[[Account], T]) -> T:
        """What ``act`` gives; while its service fails, its URL is asked for again.

        Or, if it is there and refuses us, the login.
        """
        while True:
            try:
                return act(self._account)
            except LoginRefused:
                raise
            except ProviderError as error:
                self._terminal.say(f"  {error}")
                refused = error.reason is ApiReason.AUTH
            if refused:
                self._ask_account()
            else:
                self._ask_again(question)
            self._meet()

    def _ask_zone(self) -> None:
        zones = self._reached(URL, Account.zones)
        if zones is not None:
            check_any(zones)
            self._terminal.say(f"  zones of the project: {', '.join(zones)}")
        while True:
            self._ask(ZONE, zones[0] if zones and len(zones) == 1 else "")
            fault = zone_fault(self._sheet.answers[ZONE.key], zones)
            if not fault:
                return
            self._terminal.say(f"  {fault}")
            del self._sheet.answers[ZONE.key]

    # --- the machines ---------------------------------------------------------------------

    def _ask_members(self, published: set[str]) -> None:
        answers = self._sheet.answers
        if MEMBER not in answers:
            member = OWN_IP.key in answers or self._terminal.agree(ALONE, default=True)
            answers[MEMBER] = "true" if member else "false"
        witness = answers[MEMBER] == "false"
        if witness:
            self._ask(TARGETS)
            if answers[TARGETS.key]:
                answers.setdefault(OWN_IP.key, None)
                return
        self._ask_own(published)
        if not witness:
            self._ask(TARGETS)

    def _ask_own(self, published: set[str]) -> None:
        hint = Hint("", "")
        if OWN_IP.key not in self._sheet.answers:
            hint = own_address(sorted(published), self._sheet.so_far().api.url)
            self._terminal.say(f"  {hint.why}")
        self._ask(OWN_IP, hint.proposal)


# --- without a terminal -------------------------------------------------------------------


def settle(sheet: Sheet, say: Callable[[str], None]) -> None:
    """The same without anybody to ask: all must be answered, and the provider must agree.

    Raises WrongFlags with all that is missing or wrong, ProviderError, Ended.
    """
    if sheet.answers.get(MEMBER) == "false" and sheet.answers.get(TARGETS.key):
        sheet.answers.setdefault(OWN_IP.key, None)
    if is_elsewhere(sheet):
        for question in (URL, AUTH_URL):
            sheet.answers.setdefault(question.key, None)
    try:
        config = sheet.config()
    except ConfigError as error:
        raise WrongFlags(_with_flag(problem, sheet) for problem in error.problems) from None
    account = Account(config.api)
    account.log_in()
    zones = account.zones()
    if zones is not None:
        check_any(zones)
        fault = zone_fault(sheet.answers[ZONE.key], zones)
        if fault:
            raise Ended(f"--zone: {fault}")
    zone, names = _names(sheet)
    say(told(names, account.held(zone, names)))


def _with_flag(problem: Problem, sheet: Sheet) -> Problem:
    """A problem by the flag that mends it; of a file that is not written, no line matters."""
    key = problem.key.removeprefix("config.").partition("[")[0]
    message = problem.message if sheet.answers.get(key) else f"is needed: {DOCS[key]}"
    return Problem(0, WHERE_ELSE.get(key, key), message)


# --- what is said of the zone -------------------------------------------------------------


def check_any(zones: tuple[str, ...]) -> None:
    """Raise Ended if the project has no zone at all."""
    if not zones:
        raise Ended("the project has no zone: create one in the provider's console")


def zone_fault(zone: Value, zones: tuple[str, ...] | None) -> str:
    """What is wrong with a zone that the project does not have; empty if it has it."""
    if zones is None or fqdn("@", str(zone).strip()) in zones:
        return ""
    return f"the project has no zone {zone}; it has {', '.join(zones)}"


def told(names: tuple[str, ...], held: tuple[Record, ...]) -> str:
    """What some names hold now."""
    parts = []
    for name in names:
        values = [f"{r.value} ({r.ttl} s)" for r in held if r.name == name]
        parts.append(f"{name} holds {', '.join(values) or 'no address'}")
    return "; ".join(parts)


def _names(sheet: Sheet) -> tuple[str, tuple[str, ...]]:
    pool = sheet.so_far().pools[0]
    return pool.zone, pool.records

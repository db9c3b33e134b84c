"""Looking for secrets where they might leak."""

from __future__ import annotations

import traceback


def assert_secret(leak: object, *secrets: str) -> None:
    """No secret is in any text of ``leak``; of an exception also not in what it drags along."""
    texts = [repr(leak), str(leak)]
    links: list[BaseException] = [leak] if isinstance(leak, BaseException) else []
    for link in links:
        texts += [repr(vars(link)), *traceback.format_exception(link)]
        links += [cause for cause in (link.__cause__, link.__context__) if cause is not None]
    for secret in secrets:
        assert not [text for text in texts if secret in text]
    assert not [link for link in links if type(link).__module__.startswith(("requests", "urllib3"))]

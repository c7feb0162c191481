"""What can go wrong, as seen by someone who uses the client."""

from __future__ import annotations

from attrs import frozen

from tradegame.client.keys import Key


class TradeError(Exception):
    """The server said no, or nobody knows whether it said yes.

    ``code`` is one of the protocol's error codes, ``message`` is for a person. ``definite``: False says that the
    command may have happened; the same call with this ``key`` finds out, and does it if it had not. However late, it
    never happens twice: once the game has forgotten the key, the answer is ``stale``, and only what came of it tells
    (``me``, the events). ``at`` names the field that was wrong, ``retry_after_ms`` says how long to wait, where the
    server told.
    ``replayed``: this is the first answer to that key, given again. ``became``: with ``unknown_order``, what became of
    the order, where the game still knows.
    """

    def __init__(
        self,
        code: str,
        message: str,
        definite: bool,
        retry_after_ms: int | None = None,
        at: str | None = None,
        *,
        key: Key | None = None,
        replayed: bool = False,
        became: str | None = None,
    ) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message
        self.definite = definite
        self.retry_after_ms = retry_after_ms
        self.at = at
        self.key = key
        self.replayed = replayed
        self.became = became


class ConnectionStopped(Exception):  # noqa: N818 - it names what happened; it need not be the caller's error
    """The server closed the connection for good (a code from 4500 to 4999: abuse, kicked, revoked).

    The client does not connect again. Every call and every ``events()`` raises this from now on.
    """

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(f"{reason or 'closed'} ({code})")
        self.code = code
        self.reason = reason


class NotConnected(OSError):  # noqa: N818 - as above
    """No server could be reached in the time given, or what was reached does not speak ``tradegame.v1``."""


class ProtocolError(Exception):
    """The server sent something that is not of docs/protocol.md."""


@frozen
class Stop:
    """Why nothing more will come: raises a fresh exception each time, as several tasks may want one."""

    kind: type[Exception]
    args: tuple[object, ...]

    @classmethod
    def of(cls, error: Exception) -> Stop:
        if isinstance(error, TradeError):
            return cls(TradeError, (error.code, error.message, error.definite, error.retry_after_ms, error.at))
        return cls(type(error), error.args)

    def error(self) -> Exception:
        return self.kind(*self.args)

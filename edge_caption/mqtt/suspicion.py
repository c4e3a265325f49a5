"""Which message a broker closes the connection over.

A broker that can't take a message answers with a reason at best. At worst it closes the connection: over the size
(MQTT 3.1.1 doesn't tell the limit), over its access list, over a retained message. Sent again at the next
connection, such a message would hold up all others for ever.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection

ROUNDS = 2
"""Connections that must end with the same message alone on its way before it is parked."""

Key = int | str
"""The sequence of an outbox message, or a retained topic."""


class Suspicion:
    """Remembers what was on its way when connections ended."""

    def __init__(self) -> None:
        """Begin without suspects."""
        self._suspects: set[Key] = set()
        self._times_alone: Counter[Key] = Counter()

    @property
    def careful(self) -> bool:
        """Whether messages must go one at a time, so that the next end names one."""
        return bool(self._suspects)

    def convict(self, unanswered: Collection[Key]) -> Key | None:
        """Note what was on its way when the broker closed a connection; return what is to be parked, if anything."""
        alone = next(iter(unanswered)) if self.careful and len(unanswered) == 1 else None
        self._suspects |= set(unanswered)
        if alone is None:
            return None
        self._times_alone[alone] += 1
        if self._times_alone[alone] < ROUNDS:
            return None
        # When it is tried again, one more end is proof enough.
        self._times_alone[alone] -= 1
        self._suspects.discard(alone)
        return alone

    def acquit(self, key: Key) -> None:
        """Note that the broker answered; sequences before this one are gone."""
        self._times_alone.pop(key, None)
        self._suspects = {
            suspect
            for suspect in self._suspects
            if suspect != key and not (isinstance(suspect, int) and isinstance(key, int) and suspect < key)
        }

    def forget(self) -> None:
        """Drop every suspicion: nothing is left to send."""
        self._suspects.clear()

"""A sentence on its way to the ears: one program, or one that speaks and one that plays."""

from __future__ import annotations

import contextlib
import subprocess
from collections.abc import Mapping, Sequence
from types import MappingProxyType

from edge_caption.text import LastWords

NO_FAULTS: Mapping[str, str | None] = MappingProxyType({})


class Saying:
    """Programs at work on one sentence, each with the sound of the one before it."""

    def __init__(
        self, commands: Sequence[Sequence[str]], sentence: str, faults: Mapping[str, str | None] = NO_FAULTS
    ) -> None:
        """Start them. The sentence is the first one's input, never an argument, and no shell sees it.

        Args:
            commands: the programs, each with its arguments.
            sentence: what is said.
            faults: how a last line begins that tells of a fault, where the exit code tells of none; and what to say of
                it, the line itself if None.

        Raises:
            OSError: one can't be started.
        """
        self._faults = faults
        self._processes: list[subprocess.Popen[bytes]] = []
        self._last_words: list[LastWords] = []
        try:
            for number, command in enumerate(commands, 1):
                self._start(command, last=number == len(commands))
        except OSError:
            self.stop()
            self.end()
            raise
        first = self._processes[0]
        assert first.stdin
        with contextlib.suppress(BrokenPipeError), first.stdin as standard_input:  # it has ended; its exit code tells
            standard_input.write(f"{sentence}\n".encode())

    def _start(self, command: Sequence[str], *, last: bool) -> None:
        before = self._processes[-1] if self._processes else None
        process = subprocess.Popen(
            command,
            stdin=before.stdout if before else subprocess.PIPE,
            stdout=subprocess.DEVNULL if last else subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        if before and before.stdout:
            before.stdout.close()  # for it to learn that the other one ended
            before.stdout = None
        self._processes.append(process)
        assert process.stderr
        self._last_words.append(LastWords(process.stderr))

    @property
    def over(self) -> bool:
        """Whether all of it was said, or nothing more will be."""
        return all(process.poll() is not None for process in self._processes)

    def stop(self) -> None:
        """Fall silent."""
        for process in self._processes:
            if process.poll() is None:
                process.terminate()

    def end(self) -> str | None:
        """Wait for the end, and return what went wrong, if anything did."""
        for pipe in (pipe for process in self._processes for pipe in (process.stdin, process.stdout) if pipe):
            pipe.close()
        codes = [process.wait() for process in self._processes]
        for last_words, code in reversed(list(zip(self._last_words, codes, strict=False))):
            if code > 0:
                return (last_words.lines() or [f"exit code {code}"])[-1]
            if code == 0 and self._faults and (fault := self._fault(last_words.lines())):
                return fault
        return None

    def _fault(self, lines: Sequence[str]) -> str | None:
        last = lines[-1] if lines else ""
        return next((said or last for begins, said in self._faults.items() if last.startswith(begins)), None)

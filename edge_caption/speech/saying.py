"""A sentence on its way to the ears: one program, or one that speaks and one that plays."""

from __future__ import annotations

import contextlib
import os
import subprocess
import threading
from collections.abc import Sequence
from typing import IO

KEPT_BYTES = 4096
"""Of what a program complains of; its last line is what is told."""

LAST_WORDS_S = 1.0
"""How long the end waits for the rest of that: a program's child may keep the pipe open for ever."""


class Saying:
    """Programs at work on one sentence, each with the sound of the one before it."""

    def __init__(self, commands: Sequence[Sequence[str]], sentence: str) -> None:
        """Start them. The sentence is the first one's input, never an argument, and no shell sees it.

        Raises:
            OSError: one can't be started.
        """
        self._processes: list[subprocess.Popen[bytes]] = []
        self._complaints: list[_Complaint] = []
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
        self._complaints.append(_Complaint(process.stderr))

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
        for complaint, code in reversed(list(zip(self._complaints, codes, strict=False))):
            if code > 0:
                return complaint.last_line() or f"exit code {code}"
        return None


class _Complaint:
    """Reads what a program complains of, so that it is never kept waiting for that."""

    def __init__(self, pipe: IO[bytes]) -> None:
        self._pipe = pipe
        self._end = b""
        self._thread = threading.Thread(target=self._read, name="complaints", daemon=True)
        self._thread.start()

    def last_line(self) -> str:
        """Return it, "" where there is none."""
        self._thread.join(LAST_WORDS_S)
        return self._end.decode(errors="replace").strip().split("\n")[-1]

    def _read(self) -> None:
        with self._pipe as pipe:
            while piece := os.read(pipe.fileno(), KEPT_BYTES):
                self._end = (self._end + piece)[-KEPT_BYTES:]

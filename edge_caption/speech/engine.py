"""The program that turns sentences into sound."""

from __future__ import annotations

import contextlib
import itertools
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

from edge_caption.errors import ConfigError
from edge_caption.speech.settings import SpeechSettings

ESPEAK = "espeak-ng"

VOICES = {"zh": "cmn"}
"""Languages that espeak-ng knows by another name."""


class Engine:
    """Starts the program once a sentence. The sentence is its input, never an argument, and no shell sees it."""

    def __init__(self, settings: SpeechSettings) -> None:
        """Find the program.

        Raises:
            ConfigError: it is not installed, or the folder for WAV files can't be made.
        """
        self._settings = settings
        program = settings.command[0] if settings.command else ESPEAK
        if shutil.which(program) is None:
            raise ConfigError(_missing(program))
        if settings.command and settings.wav_folder:
            raise ConfigError("WAV files (speech.wav_folder) are written by espeak-ng only; leave speech.command out")
        self._numbers = itertools.count(1)
        if settings.wav_folder:
            try:
                settings.wav_folder.mkdir(parents=True, exist_ok=True)
            except OSError as error:
                raise ConfigError(f"{settings.wav_folder} can't be made ({error.strerror}); choose another") from None

    def start(self, sentence: str, language: str) -> subprocess.Popen[bytes]:
        """Begin to say a sentence; ending the process ends the sound.

        Raises:
            OSError: the program can't be started.
        """
        process = subprocess.Popen(
            self._command(language), stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
        )
        assert process.stdin
        with contextlib.suppress(BrokenPipeError), process.stdin as standard_input:  # it has ended; its exit code tells
            standard_input.write(f"{sentence}\n".encode())
        process.stdin = None  # for communicate(), which would close it again
        return process

    def _command(self, language: str) -> Sequence[str]:
        if self._settings.command:
            return self._settings.command
        voice = self._settings.voice or VOICES.get(language, language)
        wav = ["-w", str(self._next_file(self._settings.wav_folder))] if self._settings.wav_folder else []
        return [ESPEAK, "-v", voice, "-s", str(self._settings.words_per_minute), *wav, "--stdin"]

    def _next_file(self, folder: Path) -> Path:
        # A folder may hold sentences of an earlier run.
        return next(file for number in self._numbers if not (file := folder / f"{number:06}.wav").exists())


def _missing(program: str) -> str:
    if program == ESPEAK:
        return (
            "nothing can be spoken, for espeak-ng is not installed; install it (Debian: apt-get install espeak-ng), "
            "or name another program (command under [speech])"
        )
    return f"nothing can be spoken, for there is no program {program}; install it, or correct command under [speech]"

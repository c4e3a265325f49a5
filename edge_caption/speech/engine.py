"""The programs that turn sentences into sound: espeak-ng, Piper, or one that the user names."""

from __future__ import annotations

import itertools
import json
import shutil
from collections.abc import Sequence
from pathlib import Path

from edge_caption.errors import ConfigError
from edge_caption.speech.saying import Saying
from edge_caption.speech.settings import SpeechSettings

ESPEAK, PIPER, PLAYER = "espeak-ng", "piper", "aplay"

PACKAGES = {
    ESPEAK: "install it (Debian: apt-get install espeak-ng), or name another program (command under [speech])",
    PIPER: "install it (pip install piper-tts), or leave piper_voice out under [speech] for espeak-ng",
    PLAYER: "install it (Debian: apt-get install alsa-utils); Piper is heard through it",
}

VOICES = {"zh": "cmn"}
"""Languages that espeak-ng knows by another name."""

FAULTS = {
    "error:": "no sound card can be used; look at aplay -l, or set wav_folder under [speech]",
    "Can't write to:": None,
}
"""How a last line of espeak-ng begins where it said nothing, for its exit code is 0 all the same; and what to say
instead of the line, which tells less."""

USUAL_WORDS_PER_MINUTE = 175
"""What Piper's voices speak, more or less, unless they are told otherwise."""


class Engine:
    """Starts the programs once a sentence."""

    def __init__(self, settings: SpeechSettings) -> None:
        """Find the programs.

        Raises:
            ConfigError: one is not installed, the voice can't be read, or the folder for WAV files can't be made.
        """
        self._settings = settings
        self._numbers = itertools.count(1)
        folder = settings.wav_folder
        if settings.command and settings.piper_voice:
            raise ConfigError("speech.command and speech.piper_voice contradict each other; leave one of them out")
        if settings.command and folder:
            raise ConfigError(
                "WAV files (speech.wav_folder) are written by espeak-ng and Piper only; leave speech.command out"
            )
        self._piper_hz = _rate_of(settings.piper_voice) if settings.piper_voice else None
        for program in self._programs():
            if shutil.which(program) is None:
                raise ConfigError(_missing(program))
        if folder:
            try:
                folder.mkdir(parents=True, exist_ok=True)
            except OSError as error:
                raise ConfigError(f"{folder} can't be made ({error.strerror}); choose another") from None

    def start(self, sentence: str, language: str) -> Saying:
        """Begin to say a sentence.

        Raises:
            OSError: a program can't be started.
        """
        commands = self._commands(language)
        return Saying(commands, sentence, FAULTS if commands[0][0] == ESPEAK else {})

    def _programs(self) -> Sequence[str]:
        if self._settings.command:
            return [self._settings.command[0]]
        if self._piper_hz:
            return [PIPER] if self._settings.wav_folder else [PIPER, PLAYER]
        return [ESPEAK]

    def _commands(self, language: str) -> Sequence[Sequence[str]]:
        settings = self._settings
        if settings.command:
            return [settings.command]
        file = str(self._next_file(settings.wav_folder)) if settings.wav_folder else None
        if self._piper_hz:
            return self._piper(self._piper_hz, file)
        voice = settings.voice or VOICES.get(language, language)
        wav = ["-w", file] if file else []
        return [[ESPEAK, "-v", voice, "-s", str(settings.words_per_minute), *wav, "--stdin"]]

    def _piper(self, rate_hz: int, file: str | None) -> Sequence[Sequence[str]]:
        # Its own way to play (ffplay) goes on when Piper is stopped, and cuts off after five seconds.
        scale = f"{USUAL_WORDS_PER_MINUTE / self._settings.words_per_minute:.2f}"
        piper = [PIPER, "-m", str(self._settings.piper_voice), "--length-scale", scale]
        if file:
            return [[*piper, "-f", file]]
        return [[*piper, "--output-raw"], [PLAYER, "-q", "-t", "raw", "-f", "S16_LE", "-c", "1", "-r", str(rate_hz)]]

    def _next_file(self, folder: Path) -> Path:
        # A folder may hold sentences of an earlier run.
        return next(file for number in self._numbers if not (file := folder / f"{number:06}.wav").exists())


def _rate_of(voice: Path) -> int:
    """Return a Piper voice's sample rate.

    Raises:
        ConfigError: the voice or the JSON file beside it is not there, or is none.
    """
    beside = voice.with_name(f"{voice.name}.json")
    try:
        voice.stat()
        return int(json.loads(beside.read_text("utf-8"))["audio"]["sample_rate"])
    except OSError as error:
        raise ConfigError(
            f"the Piper voice {error.filename} can't be read ({error.strerror});"
            " a voice is two files, NAME.onnx and NAME.onnx.json"
        ) from None
    except (ValueError, KeyError, TypeError):
        raise ConfigError(f"{beside} is no description of a Piper voice; fetch the voice again") from None


def _missing(program: str) -> str:
    if hint := PACKAGES.get(program):
        return f"nothing can be spoken, for {program} is not installed; {hint}"
    return f"nothing can be spoken, for there is no program {program}; install it, or correct command under [speech]"

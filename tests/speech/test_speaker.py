from __future__ import annotations

import logging
import os
import pty
import shutil
import subprocess
import sys
import time
import wave
from pathlib import Path

import msgspec
import numpy as np
import pytest

from edge_caption.errors import ConfigError
from edge_caption.records import AlertRecord
from edge_caption.speech.engine import ESPEAK, Engine
from edge_caption.speech.saying import Saying
from edge_caption.speech.settings import SpeechSettings
from edge_caption.speech.speaker import Speaker
from tests.brokers import wait_for
from tests.history.captions import record

needs_espeak = pytest.mark.skipif(
    shutil.which(ESPEAK) is None, reason="espeak-ng is not installed (Debian: apt-get install espeak-ng)"
)


def sound(file: Path) -> tuple[float, float]:
    """Return a WAV file's seconds and its loudness, 0-1."""
    with wave.open(str(file)) as opened:
        samples = np.frombuffer(opened.readframes(opened.getnframes()), np.int16) / 32768
        return len(samples) / opened.getframerate(), float(np.sqrt((samples**2).mean()))


def say(folder: Path, sentence: str, language: str = "en", words_per_minute: int = 175) -> tuple[float, float]:
    folder.mkdir(exist_ok=True)
    before = set(folder.iterdir())
    engine = Engine(SpeechSettings(wav_folder=folder, words_per_minute=words_per_minute))
    assert engine.start(sentence, language).end() is None
    (file,) = set(folder.iterdir()) - before
    return sound(file)


@needs_espeak
def test_a_longer_sentence_is_longer_to_hear_and_a_higher_rate_shorter(tmp_path: Path) -> None:
    short, loud = say(tmp_path, "a dog")
    assert short > 0.3
    assert loud > 0.02
    usual, _ = say(tmp_path, "a brown dog runs along the beach with a ball")
    fast, _ = say(tmp_path, "a brown dog runs along the beach with a ball", words_per_minute=350)
    assert usual > 2 * short
    assert usual / fast == pytest.approx(2, rel=0.35)


@needs_espeak
def test_chinese_is_spoken_in_chinese(tmp_path: Path) -> None:
    seconds, loud = say(tmp_path, "一只狗在海滩上奔跑", "zh")
    spelled, _ = say(tmp_path, "一只狗在海滩上奔跑", "en")  # "Chinese letter, Chinese letter, …"
    assert 1 < seconds < spelled * 0.75
    assert loud > 0.02


@needs_espeak
def test_a_sentence_is_neither_an_option_nor_a_command(tmp_path: Path) -> None:
    plain, _ = say(tmp_path / "wav", "help")
    for sentence in ("--help", "-v --version -h", f"$(touch {tmp_path}/made); `touch {tmp_path}/made`", "; touch made"):
        seconds, loud = say(tmp_path / "wav", sentence)
        assert seconds > plain / 2
        assert loud > 0.02
    assert [file.name for file in tmp_path.iterdir()] == ["wav"]


@needs_espeak
def test_silence_is_told_of(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    """espeak-ng ends well without a sound card, and where its file can't be written."""
    monkeypatch.setenv("ALSA_CONFIG_PATH", "/dev/null")
    monkeypatch.setenv("PULSE_SERVER", f"unix:{tmp_path}/none")
    with caplog.at_level(logging.WARNING):
        speaker = Speaker(SpeechSettings())
        speaker.take(record(1, "a dog"), None)
        wait_for(lambda: bool(caplog.records))
        speaker.close()
    (said,) = [entry.getMessage() for entry in caplog.records]
    assert said.startswith("nothing can be spoken (no sound card can be used; look at aplay -l,")
    (tmp_path / "000001.wav").symlink_to(tmp_path / "none" / "a.wav")
    wrong = Engine(SpeechSettings(wav_folder=tmp_path)).start("a dog", "en").end()
    assert wrong
    assert wrong.startswith("Can't write to: ")


@pytest.fixture
def voice(tmp_path: Path) -> tuple[SpeechSettings, Path]:
    """A program that writes down what it is to say, and takes a second for each."""
    heard = tmp_path / "heard"
    program = f"import sys, time; open({str(heard)!r}, 'a').write(sys.stdin.read()); time.sleep(1)"
    return SpeechSettings(command=(sys.executable, "-c", program)), heard


def lines(heard: Path) -> list[str]:
    return heard.read_text().splitlines() if heard.exists() else []


def test_the_newest_is_said_next_and_nothing_twice(voice: tuple[SpeechSettings, Path]) -> None:
    settings, heard = voice
    speaker = Speaker(settings)
    for number, sentence in enumerate(("a dog", "a dog")):
        speaker.take(record(number, sentence), None)
    wait_for(lambda: lines(heard))
    for number, sentence in enumerate(("a cat", "a bird", "a dog", "a horse", "a dog"), 2):
        speaker.take(record(number, sentence), None)
    wait_for(lambda: len(lines(heard)) == 2)
    time.sleep(1.3)
    speaker.close()
    assert lines(heard) == ["a dog", "a horse"]


def test_what_is_doubtful_is_said_with_a_perhaps(voice: tuple[SpeechSettings, Path]) -> None:
    settings, heard = voice
    speaker = Speaker(settings)
    speaker.take(msgspec.structs.replace(record(1, "a dog"), doubtful=True), None)
    wait_for(lambda: lines(heard) == ["perhaps a dog"])
    speaker.close()


def test_an_alert_and_a_question_cut_in(voice: tuple[SpeechSettings, Path]) -> None:
    settings, heard = voice
    speaker = Speaker(settings)
    speaker.repeat()
    wait_for(lambda: lines(heard))
    speaker.take(record(1, "a man", captured_at=time.time() - 42), None)
    alert = AlertRecord(
        id="pi:2", node="pi", camera="porch", captured_at=1.0, alert="visitor", caption="a man", caption_id="pi:1"
    )
    began = time.monotonic()
    speaker.take(alert, None)
    wait_for(lambda: len(lines(heard)) == 2)
    speaker.repeat()
    wait_for(lambda: len(lines(heard)) == 3)
    assert time.monotonic() - began < 0.9  # each takes a second unless it is cut
    speaker.close()
    assert time.monotonic() - began < 1.5
    first, second, third = lines(heard)
    assert (first, second) == ("nothing was seen yet", "alert: visitor")
    assert third in ("a man, 42 seconds ago", "a man, 43 seconds ago")


@needs_espeak
def test_an_alert_with_a_chinese_name_is_spoken_in_chinese(tmp_path: Path) -> None:
    name = "门口有人在等着"
    speaker = Speaker(SpeechSettings(wav_folder=tmp_path / "wav"))
    speaker.take(
        AlertRecord(
            id="pi:2", node="pi", camera="porch", captured_at=1.0, alert=name, caption="a man", caption_id="pi:1"
        ),
        None,
    )
    file = tmp_path / "wav" / "000001.wav"
    wait_for(lambda: file.exists() and file.stat().st_mtime < time.time() - 0.5)
    speaker.close()
    chinese, _ = say(tmp_path / "other", f"警报:{name}", "zh")
    assert sound(file)[0] == pytest.approx(chinese, rel=0.05)


def test_a_question_is_answered_with_the_age_in_chinese(voice: tuple[SpeechSettings, Path]) -> None:
    settings, heard = voice
    speaker = Speaker(settings)
    said = msgspec.structs.replace(record(1, "一个人", captured_at=time.time() - 41.6), language="zh")
    speaker.take(said, None)
    speaker.repeat()
    wait_for(lambda: any(line in ("一个人,42秒前", "一个人,43秒前") for line in lines(heard)))
    speaker.close()


def test_a_voice_that_fails_is_named_once(caplog: pytest.LogCaptureFixture) -> None:
    failing = (sys.executable, "-c", "import sys; sys.exit('no sound card')")
    with caplog.at_level(logging.WARNING):
        speaker = Speaker(SpeechSettings(command=failing))
        for number in range(3):
            speaker.take(record(number, f"a dog {number}"), None)
            time.sleep(0.3)
        speaker.close()
    assert [entry.getMessage() for entry in caplog.records] == [
        "nothing can be spoken (no sound card); captions still go out"
    ]


def test_a_program_that_ends_is_named_by_its_last_line_and_others_are_ended(tmp_path: Path) -> None:
    speaks = [sys.executable, "-c", "print('sound'); import time; time.sleep(60)"]
    plays = ["sh", "-c", "cat; exec sleep 60"]
    saying = Saying([speaks, plays], "a dog")
    time.sleep(0.2)
    assert not saying.over
    saying.stop()
    wait_for(lambda: saying.over)
    assert saying.end() is None
    broken = Saying([[*speaks[:2], "raise SystemExit('no such voice')"], ["sh", "-c", "cat >/dev/null"]], "a dog")
    assert broken.end() == "no such voice"
    with pytest.raises(OSError, match="No such file"):
        Saying([speaks, ["nosuchprogram"]], "a dog")


def test_a_program_may_complain_at_any_length(tmp_path: Path) -> None:
    wordy = "import sys; sys.stderr.write('no such device\\n' * 20_000)"
    saying = Saying([[sys.executable, "-c", f"{wordy}; sys.exit('no sound card')"]], "a dog")
    wait_for(lambda: saying.over)
    assert saying.end() == "no sound card"
    # Of two that depend on each other, the one that is not waited for.
    speaks = [sys.executable, "-c", "import sys; sys.stdout.write('sound' * 40_000)"]
    assert Saying([speaks, [sys.executable, "-c", f"{wordy}; sys.stdin.read()"]], "a dog").end() is None


def test_a_child_that_a_program_leaves_behind_holds_nobody_up() -> None:
    began = time.monotonic()
    assert Saying([["sh", "-c", "sleep 5 & echo no sound card >&2; exit 1"]], "a dog").end() == "no sound card"
    assert time.monotonic() - began < 4


def piper_voice() -> Path:
    """Return a real voice of Piper, where one is named and Piper is installed."""
    named = os.environ.get("PIPER_VOICE")
    if not named or shutil.which("piper") is None:
        pytest.skip("Piper is not installed, or PIPER_VOICE names no voice (NAME.onnx)")
    return Path(named)


def test_piper_speaks_to_a_file_at_the_rate_that_was_asked_for(tmp_path: Path) -> None:
    lengths = []
    for number, rate in enumerate((175, 350)):
        folder = tmp_path / str(number)
        engine = Engine(SpeechSettings(piper_voice=piper_voice(), wav_folder=folder, words_per_minute=rate))
        assert engine.start("a brown dog runs along the beach with a ball", "en").end() is None
        seconds, loud = sound(folder / "000001.wav")
        assert loud > 0.02
        lengths.append(seconds)
    assert lengths[0] / lengths[1] == pytest.approx(2, rel=0.35)


def test_piper_is_heard_through_alsa(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """ALSA writes what it would play to a file."""
    heard, voice = tmp_path / "heard.raw", piper_voice()
    config = tmp_path / "asound.conf"
    config.write_text(f'pcm.!default {{ type file slave.pcm null file "{heard}" format raw }} pcm.null {{ type null }}')
    monkeypatch.setenv("ALSA_CONFIG_PATH", str(config))
    speaker = Speaker(SpeechSettings(piper_voice=voice))
    speaker.take(record(1, "a brown dog runs along the beach"), None)
    wait_for(lambda: heard.exists() and heard.stat().st_size > 22050)
    speaker.close()
    samples = np.frombuffer(heard.read_bytes()[: heard.stat().st_size // 2 * 2], np.int16) / 32768
    assert float(np.sqrt((samples**2).mean())) > 0.02


def voice_files(tmp_path: Path, description: str) -> Path:
    voice = tmp_path / "en.onnx"
    voice.write_bytes(b"")
    (tmp_path / "en.onnx.json").write_text(description)
    return voice


def test_what_is_wrong_with_a_piper_voice_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ConfigError, match=r"voice \S+nosuch.onnx can't be read .*; a voice is two files"):
        Engine(SpeechSettings(piper_voice=tmp_path / "nosuch.onnx"))
    with pytest.raises(ConfigError, match=r"en.onnx.json is no description of a Piper voice"):
        Engine(SpeechSettings(piper_voice=voice_files(tmp_path, "{}")))
    voice = voice_files(tmp_path, '{"audio": {"sample_rate": 22050}}')
    with pytest.raises(ConfigError, match="contradict each other"):
        Engine(SpeechSettings(piper_voice=voice, command=("true",)))
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ConfigError, match=r"piper is not installed; install it \(pip install piper-tts\)"):
        Engine(SpeechSettings(piper_voice=voice))
    piper = tmp_path / "piper"
    piper.write_text("#!/bin/sh\n")
    piper.chmod(0o755)
    with pytest.raises(ConfigError, match=r"aplay is not installed; install it \(Debian: apt-get install alsa-utils\)"):
        Engine(SpeechSettings(piper_voice=voice))


def test_without_a_program_it_is_one_sentence(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="there is no program nosuchvoice; install it, or correct command"):
        Speaker(SpeechSettings(command=("nosuchvoice",)))
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ConfigError, match="espeak-ng is not installed; install it"):
        Speaker(SpeechSettings())


def test_the_space_bar_asks_and_the_terminal_is_as_before() -> None:
    script = """
import sys, termios
from edge_caption.commands.keys import on_key
before = termios.tcgetattr(0)
with on_key(" ", lambda: print("asked", flush=True)):
    print("ready", flush=True)
    import time; time.sleep(1.5)
print(termios.tcgetattr(0) == before, flush=True)
"""
    process, terminal = pty.fork()
    if process == 0:
        os.execv(sys.executable, [sys.executable, "-c", script])
    said = b""
    while b"ready\r\n" not in said:
        said += os.read(terminal, 100)
    os.write(terminal, b"x ")
    while b"True" not in said and b"False" not in said:
        said += os.read(terminal, 100)
    os.waitpid(process, 0)
    os.close(terminal)
    assert said.split() == [b"ready", b"asked", b"True"]


def test_without_a_terminal_keys_are_left_alone() -> None:
    script = "from edge_caption.commands.keys import on_key\nwith on_key(' ', print): print('runs')"
    done = subprocess.run([sys.executable, "-c", script], input="  ", capture_output=True, text=True, check=True)
    assert done.stdout == "runs\n"

"""Workers on a real broker: who asks gets an answer, whatever dies meanwhile."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import closing
from pathlib import Path
from typing import cast

import msgspec
import pytest
from paho.mqtt import client as paho
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from edge_caption.errors import ConfigError, PhotoError
from edge_caption.images.frame import Pixels
from edge_caption.model.captioner import Captioner
from edge_caption.mqtt.address import Address
from edge_caption.mqtt.connection import Connection, Traffic
from edge_caption.mqtt.publication import Received
from edge_caption.mqtt.settings import MqttSettings
from edge_caption.mqtt.work import asker as asking
from edge_caption.mqtt.work.asker import Asker
from edge_caption.mqtt.work.worker import MOST_WAITING, Worker
from edge_caption.records import WorkerAnswer
from tests.brokers import Mosquitto, mosquitto, wait_for
from tests.conftest import ROOT, encode
from tests.mqtt.conftest import RunBroker

__all__ = ["mosquitto"]

TOPIC = "edge_caption/work"
StartWorker = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture
def start_worker(mosquitto: Mosquitto, tiny_bundle: Path, tmp_path: Path) -> Iterator[StartWorker]:
    """Start workers as users do; they are killed in the end."""
    started: list[subprocess.Popen[str]] = []

    def start(name: str, *arguments: object) -> subprocess.Popen[str]:
        own = ["worker", "--broker", mosquitto.url, "--bundle", tiny_bundle, "--threads", 1, "--name", name]
        command = [sys.executable, "-m", "edge_caption", *map(str, [*own, *arguments])]
        log = tmp_path / f"{name}.log"
        with log.open("a") as written:
            started.append(subprocess.Popen(command, cwd=ROOT, stderr=written, text=True))
        wait_for(lambda: f"Sending SUBACK to {name}" in mosquitto.log())
        return started[-1]

    yield start
    for worker in started:
        worker.send_signal(signal.SIGCONT)
        worker.kill()
        worker.wait()


def asker(broker: Mosquitto, name: str = "test") -> Asker:
    return Asker(MqttSettings(broker=Address.parse(broker.url)), name, TOPIC)


def said(future: Future[WorkerAnswer]) -> WorkerAnswer:
    return future.result(100)  # a busy machine asks again late: the longest answer counts four times


def test_three_workers_share_the_photos_and_one_that_is_killed_loses_none(
    mosquitto: Mosquitto, start_worker: StartWorker, demo_photos: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(asking, "PATIENCE_S", 1.0)
    killed, *_ = [start_worker(name) for name in ("one", "two", "three")]
    photo = demo_photos[0].read_bytes()
    with closing(asker(mosquitto)) as asking_:
        before = [said(asking_.ask(photo, f"{number}.jpg")) for number in range(30)]
        assert {answer.worker for answer in before} == {"one", "two", "three"}
        # It stands still with photos in hand, so that the kill comes in the midst of work.
        killed.send_signal(signal.SIGSTOP)
        questions = {f"{number}.jpg": asking_.ask(photo, f"{number}.jpg") for number in range(30)}
        wait_for(lambda: sum(question.done() for question in questions.values()) >= 20)
        assert not all(question.done() for question in questions.values())
        killed.kill()
        answers = {name: said(question) for name, question in questions.items()}
        assert {name: answer.file for name, answer in answers.items()} == {name: name for name in questions}
        assert {answer.worker for answer in answers.values()} == {"two", "three"}
        assert asking_.resent > 0
    assert all(answer.data and answer.data.caption for answer in answers.values())


def test_any_client_can_ask_and_knows_answers_by_their_correlation_data(
    mosquitto: Mosquitto, start_worker: StartWorker, demo_photos: list[Path]
) -> None:
    start_worker("one")
    answers: dict[bytes, list[WorkerAnswer]] = {}
    client = paho.Client(CallbackAPIVersion.VERSION2, "any", protocol=paho.MQTTv5)
    ready = threading.Event()
    client.on_subscribe = lambda *_: ready.set()

    def take(_client: object, _data: object, message: paho.MQTTMessage) -> None:
        key = message.properties.CorrelationData  # type: ignore[union-attr]
        answers.setdefault(key, []).append(msgspec.json.decode(message.payload, type=WorkerAnswer))

    client.on_message = take
    client.connect("127.0.0.1", mosquitto.port)
    client.loop_start()
    client.subscribe("any/answer", 1)
    assert ready.wait(10)
    photo = demo_photos[0].read_bytes()
    asked = {b"good": photo, b"text": b"no photo", b"half": photo[: len(photo) // 2], b"none": b"", b"again": photo}
    publish(client, b"silent", photo, response_topic=None)
    publish(client, b"loop", photo, response_topic=TOPIC)
    publish(client, b"wild", photo, response_topic="any/answer/#")
    for key, payload in asked.items():
        publish(client, key, payload)
    wait_for(lambda: len(answers) == len(asked))
    client.disconnect()
    client.loop_stop()
    assert set(answers) == set(asked)
    assert {key: said.status for key, (said,) in answers.items()} == {
        **dict.fromkeys(asked, "error"),
        b"good": "ok",
        b"again": "ok",
    }
    assert answers[b"text"][0].error
    assert "not a JPEG, PNG or WebP image" in answers[b"text"][0].error
    data = answers[b"good"][0].data
    assert data
    assert data.file == "good.jpg"
    # All are dealt with, those without an answer, too: nothing is delivered again.
    wait_for(lambda: mosquitto.log().count("Received PUBACK from one") == len(asked) + 3)


@pytest.mark.parametrize(
    "name", ["a\nb.jpg", "\x85.jpg", "\ufeffbom.jpg", "latin\udce9.jpg", "\ufffe.jpg", "大 门.jpg"]
)
def test_a_photo_may_have_any_name_that_a_disk_knows(
    mosquitto: Mosquitto, start_worker: StartWorker, demo_photos: list[Path], name: str
) -> None:
    start_worker("one")
    with closing(asker(mosquitto)) as asking_:
        answer = asking_.ask(demo_photos[0].read_bytes(), name).result(30)
        assert answer.data
        assert asking_.resent == 0
    assert mosquitto.log().count("New client connected") == 2


def test_an_answer_that_the_broker_does_not_take_becomes_an_error_and_the_next_goes_on(
    mosquitto: Mosquitto, start_worker: StartWorker, picture: Pixels
) -> None:
    with mosquitto._config.open("a") as config:
        config.write("max_packet_size 1400\n")
    mosquitto.stop()
    mosquitto.start()
    start_worker("one")
    photo = encode(picture[::8, ::8], ".jpg")
    with closing(asker(mosquitto)) as asking_:
        large = said(asking_.ask(photo, "large.jpg", attention=True))
        assert re.fullmatch(
            r"the answer has [\d,]+ bytes and the broker takes 1,400 at most; ask without attention", large.error or ""
        )
        assert said(asking_.ask(photo, "small.jpg")).status == "ok"


def publish(client: paho.Client, key: bytes, payload: bytes, response_topic: str | None = "any/answer") -> None:
    properties = Properties(PacketTypes.PUBLISH)  # type: ignore[no-untyped-call]
    properties.CorrelationData = key
    properties.UserProperty = [("file", f"{key.decode()}.jpg")]
    if response_topic:
        properties.ResponseTopic = response_topic
    client.publish(TOPIC, payload, 1, properties=properties).wait_for_publish(10)


class Held:
    """Stands for a connection: counts what is acknowledged."""

    def __init__(self) -> None:
        self.acknowledged = 0

    def subscribe(self, _: str) -> int:
        return 1

    def acknowledge(self, _: Received) -> None:
        self.acknowledged += 1


def test_a_flood_that_no_broker_holds_back_does_not_fill_the_memory(
    tiny_captioner: Captioner, caplog: pytest.LogCaptureFixture
) -> None:
    worker, held = Worker(tiny_captioner, TOPIC, "workers", "one"), Held()
    worker.begin(cast(Connection, held))
    flood = [Received(TOPIC, b"x", qos=0)] * 1000
    worker.turn(Traffic([], [*flood, *[Received(TOPIC, b"x", qos=1)] * 4, *flood]))
    while worker.turn(Traffic([], [])) == 0:
        pass
    assert held.acknowledged == MOST_WAITING + 4
    assert "some are left out; publish them with QoS 1" in caplog.text


def test_a_photo_is_acknowledged_once_the_broker_has_the_answer(
    mosquitto: Mosquitto, start_worker: StartWorker, demo_photos: list[Path]
) -> None:
    start_worker("one")
    with closing(asker(mosquitto)) as asking_:
        said(asking_.ask(demo_photos[0].read_bytes(), "a.jpg"))
    wait_for(lambda: "Received PUBACK from one" in mosquitto.log())
    told = re.findall(r"(?:Sending|Received) PUB\w+ (?:to|from) one", mosquitto.log())
    assert told == [
        "Sending PUBLISH to one",
        "Received PUBLISH from one",
        "Sending PUBACK to one",
        "Received PUBACK from one",
    ]


def test_a_worker_that_is_told_to_stop_answers_what_it_has(
    mosquitto: Mosquitto, start_worker: StartWorker, demo_photos: list[Path], tmp_path: Path
) -> None:
    worker = start_worker("one")
    photo = demo_photos[0].read_bytes()
    with closing(asker(mosquitto)) as asking_:
        questions = [asking_.ask(photo, f"{number}.jpg") for number in range(20)]
        said(questions[0])
        worker.terminate()
        assert all(said(question).status == "ok" for question in questions)
        assert asking_.resent == 0
    assert worker.wait(20) == 0
    assert "one answered 20 photos, and 0 with an error" in (tmp_path / "one.log").read_text()


def test_a_broker_that_dies_is_asked_again(
    mosquitto: Mosquitto, start_worker: StartWorker, demo_photos: list[Path]
) -> None:
    worker = start_worker("one")
    photo = demo_photos[0].read_bytes()
    with closing(asker(mosquitto)) as asking_:
        said(asking_.ask(photo, "first.jpg"))
        worker.send_signal(signal.SIGSTOP)
        questions = [asking_.ask(photo, f"{number}.jpg") for number in range(10)]
        wait_for(lambda: mosquitto.log().count("Received PUBLISH from asker-test") >= 11)
        mosquitto.stop(signal.SIGKILL)
        worker.send_signal(signal.SIGCONT)
        mosquitto.start()
        assert all(said(question).status == "ok" for question in questions)


def test_a_photo_without_an_answer_is_given_up_with_a_sentence(
    mosquitto: Mosquitto, start_worker: StartWorker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A photo that kills its workers must not go round for ever."""
    monkeypatch.setattr(asking, "PATIENCE_S", 0.1)
    start_worker("one").send_signal(signal.SIGSTOP)
    with closing(asker(mosquitto)) as asking_, pytest.raises(PhotoError, match=r"a\.jpg got no answer in 2 tries"):
        said(asking_.ask(b"poison", "a.jpg", tries=2))


def test_without_a_worker_it_is_told_and_waited_for(
    mosquitto: Mosquitto, start_worker: StartWorker, demo_photos: list[Path],
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setattr(asking, "PATIENCE_S", 0.3)
    with closing(asker(mosquitto)) as asking_:
        question = asking_.ask(demo_photos[0].read_bytes(), "a.jpg")
        wait_for(lambda: asking_.resent > asking.TRIES)
        start_worker("one")
        assert said(question).status == "ok"
    assert caplog.text.count("no worker takes photos from edge_caption/work; start one: edge-caption worker") == 1


def test_a_photo_larger_than_the_broker_takes_is_named(run_broker: RunBroker) -> None:
    broker = run_broker("allow_anonymous true", "max_packet_size 5000")
    with closing(asker(broker)) as asking_:
        with pytest.raises(PhotoError, match="big has 6,000 bytes and the broker takes 5,000 at most"):
            said(asking_.ask(bytes(6000), "big"))
        with pytest.raises(PhotoError, match="workers take 20,000,000 at most"):
            said(asking_.ask(bytes(20_000_001), "huge"))


def test_two_workers_of_one_name_are_told(mosquitto: Mosquitto, start_worker: StartWorker, tmp_path: Path) -> None:
    start_worker("same")
    start_worker("same")
    says = "another client called same may throw this one out"
    wait_for(lambda: says in (tmp_path / "same.log").read_text(), 30)


def test_a_broker_that_lets_nobody_in_is_one_sentence(run_broker: RunBroker, tiny_bundle: Path) -> None:
    broker = run_broker("allow_anonymous false")
    with closing(asker(broker)) as asking_, pytest.raises(ConfigError, match="refused the login"):
        said(asking_.ask(b"a photo", "a.jpg"))
    command = [sys.executable, "-m", "edge_caption", "worker", "--broker", broker.url, "--bundle", str(tiny_bundle)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 1
    assert "refused the login" in done.stderr.splitlines()[-1]
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--protocol", "3.1.1"], "workers need MQTT 5"),
        (["--broker", "embedded"], "workers need MQTT 5"),
        (["--topic", "a/+/b"], "has '+' in it"),
        (["--topic", "a//b"], "is empty; give it a name"),
        (["--group", "a/b"], "has '/' in it"),
        (["--name", ""], "--name is empty"),
        (["--broker", "localhost"], "it begins with neither mqtt:// nor mqtts://"),
        (["--bundle", "/nowhere"], "/nowhere"),
    ],
)
def test_wrong_options_of_a_worker_are_one_sentence(arguments: list[str], says: str) -> None:
    command = [sys.executable, "-m", "edge_caption", "worker", *arguments]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode in (1, 2)
    assert says in done.stderr.splitlines()[-1]
    assert "Traceback" not in done.stderr

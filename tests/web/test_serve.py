from __future__ import annotations

import asyncio
import base64
import json
import os
import random
import re
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from edge_caption.commands.cli import main
from edge_caption.model.captioner import Captioner
from tests.conftest import PHOTOS, ROOT
from tests.web.node import Answer, ask, lines_until, started

pytest.importorskip("uvicorn", reason="the HTTP API is an extra")

TINY = ROOT / "tests" / "data" / "tiny_bundle"
JPEG = PHOTOS[0].read_bytes()
OTHER = PHOTOS[1].read_bytes()
NO_ANSWER = "It can't answer questions."


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with started("serve", "--port", "0", "--bundle", TINY, "--max-mb", 2) as process:
        yield lines_until(process, r"captioned at (\S+)caption")[1]


@pytest.fixture(scope="module")
def captions() -> list[str]:
    captioner = Captioner(TINY)
    return [captioner.caption(photo).text for photo in (JPEG, OTHER)]


def error(answer: Answer) -> str:
    said = json.loads(answer.body)["error"]
    return str(said["message"] if isinstance(said, dict) else said)


def data_url(photo: bytes) -> str:
    return f"data:image/jpeg;base64,{base64.b64encode(photo).decode()}"


def test_a_photo_goes_in_and_its_record_comes_out(url: str, captions: list[str]) -> None:
    record = json.loads(ask(url, "/caption?file=a.jpg&attention=true", "POST", JPEG).body)
    assert (record["caption"], record["file"]) == (captions[0], "a.jpg")
    for word in record["words"]:
        assert sum(map(sum, word["attention"])) == pytest.approx(1, abs=0.01)
    assert "attention" not in json.loads(ask(url, "/caption", "POST", JPEG).body)["words"][0]


@pytest.mark.parametrize(
    ("path", "method", "body", "status", "says"),
    [
        ("/caption", "POST", b"", 422, "the photo is empty"),
        ("/caption", "POST", b"hello", 422, "can't be decoded"),
        ("/caption", "POST", JPEG[:1000], 422, "can't be decoded"),
        ("/caption", "POST", b"x" * 2_000_001, 413, "the upload is larger than 2 MB; make it smaller"),
        ("/caption", "GET", None, 405, "this address takes POST only"),
        ("/nothing", "GET", None, 404, "see /openapi.json"),
        ("/v1/chat/completions", "POST", b"{", 400, "not the JSON that is wanted"),
        ("/v1/chat/completions", "POST", b'{"messages": 3}', 400, "Expected `array`, got `int`"),
        ("/v1/chat/completions", "POST", b"[" * 100_000, 400, "not the JSON that is wanted"),
        ("/api/chat", "POST", b"\xff\xfe", 400, "not the JSON that is wanted"),
        ("/api/generate", "POST", b'{"images": ["%%"]}', 400, "is not base64"),
        ("/api/generate", "POST", b'{"images": ["http://a/b.jpg"]}', 400, "not fetched from elsewhere"),
        ("/api/generate", "POST", b'{"images": ["HTTPS://a/b,c.jpg"]}', 400, "not fetched from elsewhere"),
        ("/caption?attention=yes", "POST", JPEG, 400, "attention is neither true nor false"),
        ("/v1/chat/completions", "POST", b'{"messages": [], "n": 0}', 400, "Expected `int` >= 1"),
        ("/api/generate", "POST", b'{"images": ["aGVsbG8="]}', 422, "can't be decoded"),
        ("/api/generate", "POST", b'{"prompt": "x", "format": "json"}', 400, "leave format out"),
    ],
)
def test_bad_uploads_get_one_sentence(
    url: str, path: str, method: str, body: bytes | None, status: int, says: str
) -> None:
    answer = ask(url, path, method, body)
    assert says in error(answer)
    assert answer.status == status


def test_a_form_is_told_how_to_send_a_photo(url: str) -> None:
    answer = ask(url, "/caption", "POST", b"--x--", {"Content-Type": "multipart/form-data; boundary=x"})
    assert (answer.status, "curl --data-binary @photo.jpg" in error(answer)) == (415, True)


def test_an_endless_upload_is_cut_off(url: str) -> None:
    parts = urlsplit(url)
    with socket.create_connection((parts.hostname, parts.port), 10) as connection:
        head = f"POST /caption HTTP/1.1\r\nHost: {parts.netloc}\r\nTransfer-Encoding: chunked\r\n\r\n"
        connection.sendall(head.encode())
        with pytest.raises(OSError, match=r"reset|pipe"):
            connection.sendall((b"10000\r\n" + b"x" * 0x10000 + b"\r\n") * 2000)


@pytest.mark.parametrize(
    "headers",
    [{"Host": "evil.example"}, {"Origin": "http://evil.example"}, {"Origin": "http://["}, {"Origin": "http://[::1"}],
)
def test_strangers_are_refused(url: str, headers: dict[str, str]) -> None:
    assert ask(url, "/caption", "POST", JPEG, headers).status in (421, 403)


def test_the_address_with_a_token_leads_nowhere_else(url: str) -> None:
    assert ask(url, "//evil.example/?token=x").headers["location"] == "/evil.example/"
    # A program that posts has no use for another address: it would come there without its photo.
    assert ask(url, "/caption?token=x", "POST", JPEG).status == 200


@pytest.mark.parametrize(
    "picture",
    [
        base64.encodebytes(JPEG).decode(),
        f"data:image/jpeg;base64,{base64.encodebytes(JPEG).decode()}",
        f"DATA:image/JPEG;name=a.jpg;BASE64,{base64.b64encode(JPEG).decode()}",
        f"data:;base64,{base64.b64encode(JPEG).decode()}\r\n",
    ],
)
def test_base64_may_be_written_as_programs_do(url: str, captions: list[str], picture: str) -> None:
    body = json.dumps({"images": [picture], "stream": False}).encode()
    assert json.loads(ask(url, "/api/generate", "POST", body).body)["response"] == captions[0]


def test_32_clients_at_once_all_get_their_caption(url: str, captions: list[str]) -> None:
    with ThreadPoolExecutor(32) as pool:
        answers = list(pool.map(lambda _: ask(url, "/caption", "POST", JPEG), range(96)))
    assert {answer.status for answer in answers} == {200}
    assert {json.loads(answer.body)["caption"] for answer in answers} == {captions[0]}


def test_more_than_may_wait_are_told_when_to_come_again(url: str) -> None:
    images = ",".join(f'"{base64.b64encode(JPEG).decode()}"' for _ in range(16))
    body = f'{{"images": [{images}], "stream": false}}'.encode()
    assert len(body) < 2_000_000
    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(lambda _: ask(url, "/api/generate", "POST", body), range(16)))
    refused = [answer for answer in answers if answer.status == 429]
    assert refused
    assert refused[0].headers["retry-after"] == "1"
    assert "too many photos wait already" in error(refused[0])
    assert ask(url, "/caption", "POST", JPEG).status == 200


def test_large_photos_that_come_together_wait_for_room_and_none_is_refused(captions: list[str]) -> None:
    """Twelve, each as large as may be: eight fit into memory, and before all that came at once refused one another."""
    with started("serve", "--port", "0", "--bundle", TINY, "--max-mb", len(JPEG) / 1e6) as process:
        parts = urlsplit(lines_until(process, r"captioned at (\S+)caption")[1])
        lines = ("POST /caption HTTP/1.1", f"Host: {parts.netloc}", "Connection: close", f"Content-Length: {len(JPEG)}")
        head = "".join(f"{line}\r\n" for line in (*lines, ""))
        with ExitStack() as until:
            clients = [
                until.enter_context(socket.create_connection((parts.hostname, parts.port), 20)) for _ in range(12)
            ]
            for client in clients:
                client.sendall(head.encode() + JPEG[:-10])
            time.sleep(0.5)
            for client in clients:
                client.sendall(JPEG[-10:])
            for client in clients:
                with client.makefile("rb") as answer:
                    assert captions[0].encode() in answer.read()


def test_the_openai_client(url: str, captions: list[str]) -> None:
    openai = pytest.importorskip("openai", reason="the client is not installed")
    client = openai.OpenAI(base_url=f"{url}v1", api_key="none", max_retries=0)
    assert [model.id for model in client.models.list()] == [client.models.retrieve("gpt-4o").id]

    def say(text: str, *photos: bytes, **options: Any) -> Any:
        images = [{"type": "image_url", "image_url": {"url": data_url(photo)}} for photo in photos]
        messages = [{"role": "user", "content": [{"type": "text", "text": text}, *images]}]
        return client.chat.completions.create(model="gpt-4o", messages=messages, **options)

    answer = say("What's in this image?", JPEG, temperature=0.2, seed=3, logit_bias={}, n=1, user="me")
    assert answer.choices[0].message.content == captions[0]
    assert answer.choices[0].finish_reason == "stop"
    assert answer.usage.completion_tokens == len(captions[0].split())
    both = say("Describe these.", JPEG, OTHER).choices[0].message.content
    assert both == f"Image 1: {captions[0]}\nImage 2: {captions[1]}"
    asked = say("How many people wear hats?", JPEG).choices[0].message.content
    assert asked.startswith(captions[0])
    assert NO_ANSWER in asked
    cut = say("Describe it.", JPEG, max_tokens=1).choices[0]
    assert (cut.message.content, cut.finish_reason) == (captions[0].split()[0], "length")
    chunks = list(say("Describe it.", JPEG, stream=True, stream_options={"include_usage": True}))
    told = "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)
    assert told == captions[0]
    assert chunks[-1].usage.completion_tokens == len(captions[0].split())
    assert "Send a picture" in say("Hello").choices[0].message.content
    thrice = say("Describe it.", JPEG, n=3)
    assert [(one.index, one.message.content) for one in thrice.choices] == [(at, captions[0]) for at in range(3)]
    assert thrice.usage.completion_tokens == 3 * len(captions[0].split())
    twice = [chunk.choices[0] for chunk in say("Describe it.", JPEG, n=2, stream=True)]
    assert "".join(choice.delta.content or "" for choice in twice if choice.index == 1) == captions[0]
    assert say("Describe it.", JPEG, max_tokens=1.0).choices[0].finish_reason == "length"
    with pytest.raises(openai.BadRequestError, match="leave response_format out"):
        say("Describe it.", JPEG, response_format={"type": "json_object"})
    with pytest.raises(openai.UnprocessableEntityError, match="can't be decoded"):
        say("Describe it.", b"hello")
    client.close()


def test_the_ollama_client(url: str, captions: list[str]) -> None:
    ollama = pytest.importorskip("ollama", reason="the client is not installed")
    client = ollama.Client(host=url)
    (model,) = client.list().models
    assert "vision" in client.show(model.model).capabilities
    assert client.pull("llava").status == "success"
    answer = client.generate("llava", "Describe this image.", images=[JPEG], options={"temperature": 0}, keep_alive=5)
    assert answer.response == captions[0]
    assert answer.done
    pieces = list(client.generate(model.model, "Describe it", images=[JPEG], stream=True))
    assert "".join(piece.response for piece in pieces) == captions[0]
    assert [piece.done for piece in pieces] == [False] * (len(pieces) - 1) + [True]
    message = {"role": "user", "content": "What color is the car?", "images": [JPEG]}
    said = client.chat("llava", [{"role": "system", "content": "Be brief."}, message]).message.content
    assert said.startswith(captions[0])
    assert NO_ANSWER in said
    streamed = "".join(part.message.content for part in client.chat("llava", [message], stream=True))
    assert streamed == said
    loaded = client.chat("llava", [])
    assert (loaded.message.content, loaded.done_reason, client.generate("llava").done_reason) == ("", "load", "load")
    assert client.generate("llava", keep_alive=0).done_reason == "unload"
    assert client.chat("llava", [message], options={"num_predict": 1.0}).done_reason == "length"
    (running,) = client.ps().models
    assert running.model == model.model
    with pytest.raises(ollama.ResponseError, match="can't be decoded"):
        client.generate("llava", "Describe it", images=[b"hello" * 100])
    client._client.close()


def test_frigates_calls(url: str, captions: list[str]) -> None:
    """As frigate/genai/ollama.py makes them; its chat puts [img] where each picture belongs."""
    ollama = pytest.importorskip("ollama", reason="the client is not installed")
    client = ollama.Client(host=url, timeout=30, headers={"Authorization": "Bearer a-key-that-nobody-asks-for"})
    options = {"options": {"temperature": 0.5, "repeat_penalty": 1.05, "presence_penalty": 0.3}, "keep_alive": -1}
    prompt = "Analyze the sequence of images containing the person. Consider what it is doing, why, and what is next."
    assert not client.show("edge-caption").get("error")
    assert client.list().get("models")[0].get("model")
    answer = client.generate("edge-caption", prompt, images=[JPEG], **options)
    assert answer.get("response").strip() == captions[0]
    message = {"role": "user", "content": f"[img]\n[img]\n{prompt}", "images": [JPEG, OTHER]}
    said = client.chat(model="edge-caption", messages=[message], think=False, **options)
    assert said["message"]["content"] == f"Image 1: {captions[0]}\nImage 2: {captions[1]}"
    with pytest.raises(ollama.ResponseError, match="leave format out"):
        client.generate("edge-caption", prompt, images=[JPEG], format={"type": "object"})
    client._client.close()


def test_requests_made_from_the_openapi_document_get_what_it_promises(url: str, tmp_path: Path) -> None:
    pytest.importorskip("schemathesis", reason="it is not installed")
    # A photo can't be made up from a schema, so that what is good is not tried here.
    judged = "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance"
    command = f"-m schemathesis.cli run {url}openapi.json --max-examples 15 --seed 1 --phases fuzzing --checks {judged}"
    done = subprocess.run([sys.executable, *command.split()], capture_output=True, text=True, cwd=tmp_path, check=False)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-500:]


def test_beyond_this_computer_it_wants_a_token(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("correct-horse-battery")
    with started("serve", "--port", "0", "--bundle", TINY, "--token-file", tmp_path / "token") as process:
        url = lines_until(process, r"captioned at (\S+)caption")[1]
        assert ask(url, "/caption", "POST", JPEG).status == 401
        assert ask(url, "/caption", "POST", JPEG, {"Authorization": "Bearer correct-horse-battery"}).status == 200
        assert "the token is missing or wrong" in error(ask(url, "/v1/models"))
        openai = pytest.importorskip("openai", reason="the client is not installed")
        with (
            openai.OpenAI(base_url=f"{url}v1", api_key="wrong", max_retries=0) as client,
            pytest.raises(openai.AuthenticationError, match="the token is missing or wrong"),
        ):
            client.models.list()
    with started("serve", "--port", "0.0.0.0:0", "--bundle", TINY) as process:
        port = urlsplit(lines_until(process, r"captioned at (\S+)caption")[1]).port
        token = lines_until(process, r"the token (\S+) as")[1]
        assert ask(f"http://127.0.0.1:{port}", "/", headers={"Authorization": f"Bearer {token}"}).status == 200
        assert ask(f"http://127.0.0.1:{port}", "/").status == 401


def test_a_busy_port_and_options_that_contradict_each_other_are_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as busy:
        assert main(["serve", "--port", str(busy.getsockname()[1])]) == 1
    assert re.search(r"port \d+ is taken by another program", capsys.readouterr().err)
    assert main(["serve", "--no-token", "--token-file", str(tmp_path)]) == 1
    assert "contradict each other" in capsys.readouterr().err


def test_a_fuzzers_uploads_neither_crash_it_nor_make_it_grow(url: str) -> None:
    from benchmarks.http import bad_uploads

    # The server's process is not known here: its memory is measured by `python -m benchmarks http`.
    figures = bad_uploads(url, os.getpid(), 400)
    assert isinstance(figures["statuses"], dict)
    assert set(figures["statuses"]) <= {"200", "400", "422"}


def test_files_that_claim_to_be_huge_leave_no_memory_behind() -> None:
    """glibc kept 64 MiB at the end of each thread's heap once a large block had been freed."""
    from benchmarks.http import Client, claim_size, resident_mb, spoilt

    chance = random.Random(0)
    with started("serve", "--port", "0", "--bundle", TINY) as process:
        address = lines_until(process, r"captioned at (\S+)caption")[1]
        with closing(Client(address)) as client:
            before = 0.0
            for number in range(240):
                huge = number % 4 == 0
                bad = (
                    claim_size(bytearray(JPEG), chance.randrange(300, 65_000), 380) if huge else spoilt(chance, [JPEG])
                )
                assert client.ask("POST", "/caption", bad)[0] in (200, 422)
                if number == 40:
                    before = resident_mb(process.pid)
            growth = resident_mb(process.pid) - before
    assert growth < 25, f"{growth:.0f} MB"


def test_an_answer_is_not_held_back(url: str) -> None:
    """Without TCP_NODELAY each answer on a connection that is kept waits 40 ms."""
    from benchmarks.http import one_client

    assert one_client(url, 30)["http_p50_ms"] < 35


def test_the_model_that_is_named_is_the_one_of_the_moment() -> None:
    """A node's model may be updated while it runs."""
    from edge_caption.model.live import LiveCaptioner
    from edge_caption.web.describer import Describer

    live = LiveCaptioner(Captioner(TINY))
    describer = Describer(live)
    live.swap(Captioner(TINY, flavour="fp32"))
    assert describer.model.flavour == "fp32"


def test_chinese_is_cut_and_streamed_by_its_characters_and_asked_for_in_chinese() -> None:
    from edge_caption.web.describer import Describer, asks_more

    captioner = Captioner(TINY, language="zh")
    whole = captioner.caption(JPEG).text
    assert len(whole) > 3
    describer = Describer(captioner)
    assert list(asyncio.run(describer.reply([JPEG], "描述这张图片")).pieces) == list(whole)
    cut = asyncio.run(describer.reply([JPEG], "描述这张图片", 3))
    assert (cut.text, cut.tokens, cut.cut) == (whole[:3], 3, True)
    for prompt in (
        "这张图片里有什么?",
        "图中是什么\N{FULLWIDTH QUESTION MARK}",
        "你看到了什么?",
        "请描述一下?",
        "这是什么?",
    ):
        assert not asks_more(prompt)
    for prompt in ("他叫什么名字?", "现在几点\N{FULLWIDTH QUESTION MARK}", "门关了吗?"):
        assert asks_more(prompt)

"""OpenAI's chat completions with images, as far as its clients need them: https://platform.openai.com/docs/api-reference/chat."""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Iterator
from typing import Annotated, Any

import msgspec
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from edge_caption.web.describer import Describer, Reply
from edge_caption.web.uploads import Uploads, from_base64, json_body

OBJECT = "chat.completion"

MOST_CHOICES = 128
"""Answers to one question, as OpenAI bounds them. A captioner says the same each time."""


class Url(msgspec.Struct):
    """Where an image is; only data: URLs are read."""

    url: str


class Part(msgspec.Struct):
    """Of a message: text or an image."""

    type: str
    text: str | None = None
    image_url: Url | str | None = None


class Message(msgspec.Struct):
    """What somebody said."""

    role: str
    content: str | list[Part] | None = None

    @property
    def parts(self) -> list[Part]:
        """The content as a list."""
        return [Part("text", self.content)] if isinstance(self.content, str) else self.content or []


class StreamOptions(msgspec.Struct):
    """How the stream ends."""

    include_usage: bool = False


class ResponseFormat(msgspec.Struct):
    """What the answer shall look like."""

    type: str = "text"


class ChatRequest(msgspec.Struct):
    """Fields that are not here are ignored, as clients expect. Some write whole numbers as 3.0."""

    messages: list[Message]
    model: str = ""
    stream: bool | None = False
    stream_options: StreamOptions | None = None
    max_tokens: float | None = None
    max_completion_tokens: float | None = None
    n: Annotated[int, msgspec.Meta(ge=1, le=MOST_CHOICES)] | None = None
    response_format: ResponseFormat | None = None


class OpenAI:
    """Answers those clients."""

    def __init__(self, describer: Describer, uploads: Uploads) -> None:
        """Take what describes and what reads."""
        self._describer = describer
        self._uploads = uploads
        self._started = int(time.time())

    @property
    def routes(self) -> list[Route]:
        """Its part of the app."""
        return [
            Route("/v1/models", self.models),
            Route("/v1/models/{name:path}", self.model),
            Route("/v1/chat/completions", self.complete, methods=["POST"]),
        ]

    async def models(self, _: Request) -> Response:
        """Name the one model."""
        return JSONResponse({"object": "list", "data": [self._model()]})

    async def model(self, _: Request) -> Response:
        """Tell of the model, whatever it is called."""
        return JSONResponse(self._model())

    async def complete(self, request: Request) -> Response:
        """Describe the newest message's images."""
        async with json_body(self._uploads, request, ChatRequest) as asked:
            return await self._answer(asked)

    async def _answer(self, asked: ChatRequest) -> Response:
        if asked.response_format and asked.response_format.type != "text":
            raise HTTPException(400, "this model writes plain sentences only; leave response_format out")
        images, prompt = _newest(asked.messages)
        reply = await self._describer.reply(images, prompt, asked.max_completion_tokens or asked.max_tokens)
        choices = range(asked.n or 1)
        if asked.stream:
            usage = bool(asked.stream_options and asked.stream_options.include_usage)
            return StreamingResponse(self._stream(reply, choices, usage), media_type="text/event-stream")
        message = {"role": "assistant", "content": reply.text, "refusal": None}
        choice = {"message": message, "finish_reason": _reason(reply), "logprobs": None}
        told = [{"index": index, **choice} for index in choices]
        return JSONResponse({**self._head(OBJECT), "choices": told, "usage": _usage(reply, choices)})

    def _stream(self, reply: Reply, choices: range, usage: bool) -> Iterator[bytes]:
        head = self._head(f"{OBJECT}.chunk")
        for index in choices:
            yield _event(head, index, {"role": "assistant", "content": ""})
            for piece in reply.pieces:
                yield _event(head, index, {"content": piece})
            yield _event(head, index, {}, _reason(reply))
        if usage:
            yield _data({**head, "choices": [], "usage": _usage(reply, choices)})
        yield b"data: [DONE]\n\n"

    def _head(self, kind: str) -> dict[str, Any]:
        name = self._describer.model.name
        return {"id": f"chatcmpl-{uuid.uuid4().hex}", "object": kind, "created": int(time.time()), "model": name}

    def _model(self) -> dict[str, Any]:
        name = self._describer.model.name
        return {"id": name, "object": "model", "created": self._started, "owned_by": "edge-caption"}


def _newest(messages: list[Message]) -> tuple[list[bytes], str]:
    """Return the images of the newest message that has any, and the text of the newest that somebody asked."""
    asked = [message for message in messages if message.role == "user"]
    prompt = " ".join(part.text or "" for part in asked[-1].parts if part.type == "text") if asked else ""
    images = [found for message in asked if (found := [part for part in message.parts if part.image_url])]
    return [from_base64(_url(part)) for part in images[-1]] if images else [], prompt


def _url(part: Part) -> str:
    return part.image_url.url if isinstance(part.image_url, Url) else part.image_url or ""


def _usage(reply: Reply, choices: range) -> dict[str, int]:
    said = reply.tokens * len(choices)
    return {
        "prompt_tokens": reply.prompt_tokens,
        "completion_tokens": said,
        "total_tokens": reply.prompt_tokens + said,
    }


def _reason(reply: Reply) -> str:
    return "length" if reply.cut else "stop"


def _event(head: dict[str, Any], index: int, delta: dict[str, str], reason: str | None = None) -> bytes:
    return _data({**head, "choices": [{"index": index, "delta": delta, "finish_reason": reason, "logprobs": None}]})


def _data(body: dict[str, Any]) -> bytes:
    return f"data: {json.dumps(body)}\n\n".encode()

"""Ollama's generate and chat with images, as far as its clients need them: https://docs.ollama.com/api."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from datetime import datetime, timezone
from typing import Any

import msgspec
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route

from edge_caption.web.describer import Describer, Reply
from edge_caption.web.uploads import Uploads, from_base64, json_body

VERSION = "0.12.0"
"""Of the interface: some clients refuse older ones."""


class Options(msgspec.Struct):
    """Those that a captioner can follow. Some clients write whole numbers as 3.0."""

    num_predict: float | None = None


class GenerateRequest(msgspec.Struct):
    """Fields that are not here are ignored, as clients expect."""

    model: str = ""
    prompt: str | None = ""
    images: list[str] | None = None
    stream: bool | None = True
    options: Options | None = None
    format: Any = None
    keep_alive: Any = None


class ChatMessage(msgspec.Struct):
    """What somebody said."""

    role: str
    content: str | None = ""
    images: list[str] | None = None


class OllamaChatRequest(msgspec.Struct):
    """Fields that are not here are ignored, as clients expect."""

    messages: list[ChatMessage] = []
    model: str = ""
    stream: bool | None = True
    options: Options | None = None
    format: Any = None
    keep_alive: Any = None


class Ollama:
    """Answers those clients."""

    def __init__(self, describer: Describer, uploads: Uploads) -> None:
        """Take what describes and what reads."""
        self._describer = describer
        self._uploads = uploads
        self._started = _now()

    @property
    def routes(self) -> list[Route]:
        """Its part of the app."""
        return [
            Route("/", self.root),
            Route("/api/version", self.version),
            Route("/api/tags", self.tags),
            Route("/api/ps", self.tags),
            Route("/api/show", self.show, methods=["POST"]),
            Route("/api/pull", self.pull, methods=["POST"]),
            Route("/api/generate", self.generate, methods=["POST"]),
            Route("/api/chat", self.chat, methods=["POST"]),
        ]

    async def root(self, _: Request) -> Response:
        """Say what some clients look for."""
        return PlainTextResponse("Ollama is running (it is Edge Caption, which speaks Ollama's interface)\n")

    async def version(self, _: Request) -> Response:
        """Tell the interface's version."""
        return JSONResponse({"version": VERSION})

    async def tags(self, _: Request) -> Response:
        """Name the one model."""
        return JSONResponse({"models": [self._tag()]})

    async def show(self, _: Request) -> Response:
        """Tell of the model, whatever it is called."""
        about = {"general.architecture": "edge-caption", "general.basename": self._describer.model.name}
        return JSONResponse(
            {
                "modelfile": "",
                "parameters": "",
                "template": "{{ .Prompt }}",
                "details": self._tag()["details"],
                "model_info": about,
                "capabilities": ["completion", "vision"],
                "modified_at": self._started,
            }
        )

    async def pull(self, _: Request) -> Response:
        """Say that the model is here already."""
        return Response('{"status":"success"}\n', media_type="application/x-ndjson")

    async def generate(self, request: Request) -> Response:
        """Describe images."""
        async with json_body(self._uploads, request, GenerateRequest) as asked:
            _check_format(asked.format)
            if not asked.prompt and not asked.images:
                return self._loaded(asked.keep_alive, {"response": ""})
            return await self._answer(
                asked.images or [], asked.prompt or "", asked.options, asked.stream, lambda text: {"response": text}
            )

    async def chat(self, request: Request) -> Response:
        """Describe the images of the newest message that has any."""
        async with json_body(self._uploads, request, OllamaChatRequest) as asked:
            _check_format(asked.format)
            if not asked.messages:
                return self._loaded(asked.keep_alive, _message(""))
            said = [message for message in asked.messages if message.role == "user"]
            images = [message.images for message in said if message.images]
            prompt = (said[-1].content or "") if said else ""
            return await self._answer(images[-1] if images else [], prompt, asked.options, asked.stream, _message)

    def _loaded(self, keep_alive: Any, said: dict[str, Any]) -> Response:
        """Say what clients expect who load or unload a model. It is always loaded."""
        reason = "unload" if keep_alive in (0, "0", "0s", "0m", "0h") else "load"
        return JSONResponse({**self._head(), **said, "done": True, "done_reason": reason})

    async def _answer(
        self, images: list[str], prompt: str, options: Options | None, stream: bool | None, field: Any
    ) -> Response:
        began = time.perf_counter_ns()
        photos = [from_base64(image) for image in images]
        reply = await self._describer.reply(photos, prompt, options.num_predict if options else None)
        last = _last(reply, time.perf_counter_ns() - began)
        if stream is False:
            return JSONResponse({**self._head(), **field(reply.text), **last})
        return StreamingResponse(self._stream(reply, field, last), media_type="application/x-ndjson")

    def _stream(self, reply: Reply, field: Any, last: dict[str, Any]) -> Iterator[bytes]:
        for piece in reply.pieces:
            yield _line({**self._head(), **field(piece), "done": False})
        yield _line({**self._head(), **field(""), **last})

    def _head(self) -> dict[str, Any]:
        return {"model": self._describer.model.name, "created_at": _now()}

    def _tag(self) -> dict[str, Any]:
        model = self._describer.model
        details = {"format": "onnx", "family": "edge-caption", "families": ["edge-caption"], "parameter_size": "",
                   "parent_model": "", "quantization_level": model.flavour}  # fmt: skip
        return {"name": model.name, "model": model.name, "modified_at": self._started, "size": 0,
                "digest": model.sha256, "details": details}  # fmt: skip


def _message(text: str) -> dict[str, Any]:
    return {"message": {"role": "assistant", "content": text}}


def _check_format(given: Any) -> None:
    if given not in (None, ""):
        raise HTTPException(400, "this model writes plain sentences only; leave format out")


def _last(reply: Reply, spent_ns: int) -> dict[str, Any]:
    return {
        "done": True,
        "done_reason": "length" if reply.cut else "stop",
        "total_duration": spent_ns,
        "load_duration": 0,
        "prompt_eval_count": reply.prompt_tokens,
        "prompt_eval_duration": 0,
        "eval_count": reply.tokens,
        "eval_duration": spent_ns,
    }


def _line(body: dict[str, Any]) -> bytes:
    return json.dumps(body).encode() + b"\n"


def _now() -> str:
    return datetime.now(timezone.utc).isoformat().replace("+00:00", "Z")

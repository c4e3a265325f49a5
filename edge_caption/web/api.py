"""The HTTP API: our own interface, and two that other software speaks already."""

from __future__ import annotations

from typing import Any

import msgspec
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

import edge_caption
from edge_caption.records import PhotoCaption, encode, sentence
from edge_caption.web.describer import Describer
from edge_caption.web.guard import refuse
from edge_caption.web.ollama import GenerateRequest, Ollama, OllamaChatRequest
from edge_caption.web.openai import ChatRequest, OpenAI
from edge_caption.web.uploads import Uploads

REFUSALS = {
    "400": "The request is wrong",
    "408": "The upload was too slow",
    "413": "The upload is too large",
    "415": "A form was sent instead of a photo",
    "422": "The upload is no photo that can be read",
    "429": "Too many photos wait; Retry-After says when to come again",
}


def app(describer: Describer, most_bytes: int) -> Starlette:
    """Return the app, without its guard.

    Args:
        describer: what captions.
        most_bytes: of one upload.
    """
    uploads = Uploads(most_bytes)
    own = _Own(describer, uploads)
    return Starlette(
        routes=[
            Route("/caption", own.caption, methods=["POST"]),
            Route("/openapi.json", own.document),
            *OpenAI(describer, uploads).routes,
            *Ollama(describer, uploads).routes,
        ],
        exception_handlers={HTTPException: _say},
    )


async def _say(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    headers = dict(error.headers or {})
    said = error.detail
    match error.status_code:
        case 404:
            said = "there is nothing at this address; see /openapi.json"
        case 405:
            said = f"this address takes {headers.get('Allow', 'other methods')} only"
    return refuse(error.status_code, said, headers, request.url.path)


class _Own:
    """Our own interface."""

    def __init__(self, describer: Describer, uploads: Uploads) -> None:
        self._describer = describer
        self._uploads = uploads

    async def caption(self, request: Request) -> Response:
        """Caption the photo that is the body."""
        if request.headers.get("content-type", "").startswith("multipart/"):
            raise HTTPException(415, "send the photo itself as the body, as with: curl --data-binary @photo.jpg")
        async with self._uploads.body(request) as photo:
            caption = await self._describer.caption(photo)
        query = request.query_params
        attention = query.get("attention", "false")
        if attention not in ("true", "false"):
            raise HTTPException(400, "attention is neither true nor false; write attention=true")
        record = PhotoCaption(file=query.get("file", "-"), **sentence(caption, attention=attention == "true"))
        return Response(encode(record), media_type="application/json")

    async def document(self, _: Request) -> Response:
        """Give the OpenAPI document."""
        return JSONResponse(openapi(self._uploads.most))


def openapi(most_bytes: int) -> dict[str, Any]:
    """Return the OpenAPI document: https://spec.openapis.org/oas/v3.1.0."""
    kinds = (PhotoCaption, ChatRequest, GenerateRequest, OllamaChatRequest)
    schemas, components = msgspec.json.schema_components(kinds, ref_template="#/components/schemas/{name}")
    record, *requests = schemas
    photo = {
        kind: {"schema": {"type": "string", "format": "binary"}} for kind in ("image/*", "application/octet-stream")
    }
    paths: dict[str, Any] = {
        "/caption": {"post": _operation("Caption a photo", photo, record, _parameters())},
        "/v1/models": {"get": _operation("OpenAI: the one model")},
    }
    chats = ("/v1/chat/completions", "/api/generate", "/api/chat")
    for path, request in zip(chats, requests, strict=True):
        paths[path] = {"post": _operation("Describe images, as that client expects", _json(request))}
    for path in ("/api/version", "/api/tags", "/api/ps"):
        paths[path] = {"get": _operation("Ollama: about the server and its one model")}
    for path in ("/api/show", "/api/pull"):
        paths[path] = {"post": _operation("Ollama: about its one model")}
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Edge Caption",
            "version": edge_caption.__version__,
            "description": f"Photos in, sentences out; at most {most_bytes / 1e6:g} MB each.",
        },
        "paths": paths,
        "components": {"schemas": components},
    }


def _parameters() -> list[dict[str, Any]]:
    return [
        {"name": "file", "in": "query", "description": "comes back as `file`", "schema": {"type": "string"}},
        {"name": "attention", "in": "query", "schema": {"type": "boolean"}, "description": "each word's weights"},
    ]


def _json(schema: Any) -> dict[str, Any]:
    return {"application/json": {"schema": schema}}


def _operation(
    summary: str, body: dict[str, Any] | None = None, answer: Any = None, parameters: list[dict[str, Any]] | None = None
) -> dict[str, Any]:
    good = {"description": "It worked", **({"content": _json(answer)} if answer else {})}
    bad = {status: {"description": meaning} for status, meaning in REFUSALS.items()}
    request = {"requestBody": {"required": True, "content": body}} if body else {}
    return {
        "summary": summary,
        "parameters": parameters or [],
        **request,
        "responses": {"200": good, **(bad if body else {})},
    }

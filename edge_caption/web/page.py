"""The page of a running node: routes, and what starts them."""

from __future__ import annotations

import asyncio
import contextlib
import time
from concurrent.futures import Future
from typing import Annotated, Any, TypeAlias, TypeVar

import msgspec
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Mount, Route

from edge_caption.bounds import Polygon
from edge_caption.errors import CameraError, ConfigError, EdgeCaptionError
from edge_caption.web import site
from edge_caption.web.control import Control
from edge_caption.web.guard import Door, Guard, refuse
from edge_caption.web.listen import bind, is_local, url
from edge_caption.web.past import Search, find
from edge_caption.web.server import Server
from edge_caption.web.settings import PageSettings
from edge_caption.web.token import new_token, read_token
from edge_caption.web.uploads import Uploads
from edge_caption.web.view import View

MOST_RECORDS = 200
"""Of one answer."""

MAX_BODY = 100_000
"""Bytes of what a browser sends here."""

Masks: TypeAlias = Annotated[tuple[Annotated[Polygon, msgspec.Meta(max_length=64)], ...], msgspec.Meta(max_length=64)]
"""What is hidden of a camera's picture, as it comes from a browser."""

CARRIED_OUT_S = 2.0
"""How long an answer waits for the node to do what was asked; a caption may be under way."""


T = TypeVar("T")


class Page:
    """Serves a view until it is closed."""

    def __init__(self, settings: PageSettings, search: Search | None = None, also: Starlette | None = None) -> None:
        """Start.

        Args:
            settings: where, and for whom.
            search: in the history on disk; None where none is kept.
            also: what answers where the page has no address of its own: the HTTP API.

        Raises:
            ConfigError: nothing can listen there, or the token file is wrong.
        """
        assert settings.listen, "the page is on"
        self.view = View()
        token = _token(settings)
        listening = bind(settings.listen)
        self._server = Server(
            Guard(app(self.view, search, also), Door(settings.listen.host, token, settings.hosts)),
            listening,
        )
        self.url = url(settings.listen, self._server.port)
        """Its address; with the token where that was made up for this start."""
        if token and not settings.token_file:
            self.url += f"?token={token}"

    def close(self) -> None:
        """Stop."""
        self.view.audience.close()
        self._server.close()


def _token(settings: PageSettings) -> str | None:
    if settings.token_file:
        return read_token(settings.token_file)
    return None if settings.listen and is_local(settings.listen.host) else new_token()


def app(view: View, search: Search | None = None, also: Starlette | None = None) -> Starlette:
    """Return the page's app, without its guard."""
    answers = _Answers(view, search)
    return Starlette(
        routes=[
            *site.routes(),
            Route("/api/events", answers.events),
            Route("/api/history", answers.history),
            Route("/api/cameras/{camera}/frame", answers.frame),
            Route("/api/cameras/{camera}/enabled", answers.enable, methods=["POST"]),
            Route("/api/cameras/{camera}/masks", answers.hide, methods=["POST"]),
            Route("/api/cameras/{camera}/trigger", answers.trigger, methods=["POST"]),
            *([Mount("/", also)] if also else []),
        ],
        exception_handlers={HTTPException: _say, EdgeCaptionError: _say_own},
    )


async def _say(_: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    headers = dict(error.headers or {})
    match error.status_code:
        case 404:
            return refuse(404, "there is nothing at this address; begin at /", headers)
        case 405:
            return refuse(405, f"this address takes {headers.get('Allow', 'other methods')} only", headers)
        case _:
            return refuse(error.status_code, error.detail, headers)


async def _say_own(_: Request, error: Exception) -> Response:
    match error:
        case ConfigError():  # there is no such camera
            return refuse(404, str(error))
        case CameraError():
            return refuse(409, str(error))
        case _:
            return refuse(500, str(error))


class _Answers:
    """What the page's own script asks for."""

    def __init__(self, view: View, search: Search | None) -> None:
        self._view = view
        self._search = search
        self._uploads = Uploads(MAX_BODY)

    async def events(self, _: Request) -> Response:
        """Tell everything that happens, beginning with how things are."""
        if self._view.audience.full:
            return refuse(503, "too many browsers look at this page; close one", {"Retry-After": "10"})
        told = self._view.audience.listen(self._view.beginning)
        return StreamingResponse(told, media_type="text/event-stream", headers={"Cache-Control": "no-store"})

    async def frame(self, request: Request) -> Response:
        """Give a camera's newest picture; Record-Id names its caption."""
        seen = self._view.newest(request.path_params["camera"])
        if seen is None:
            return refuse(404, "this camera has no picture yet; wait for its first caption")
        jpeg = await asyncio.to_thread(self._view.picture, seen)
        headers = {"Cache-Control": "no-store", "Record-Id": seen.record.id}
        return Response(jpeg, media_type="image/jpeg", headers=headers)

    async def history(self, request: Request) -> Response:
        """Give the newest records that have the words of `q`."""
        query = request.query_params
        words, camera = query.get("q", "").strip(), query.get("camera") or None
        remembered = self._view.search(words, camera, MOST_RECORDS)
        found = await asyncio.to_thread(find, self._search, words, camera, remembered, MOST_RECORDS)
        return Response(msgspec.json.encode(found), media_type="application/json")

    async def enable(self, request: Request) -> Response:
        """Pause a camera, or let it go on."""
        enabled = await self._read(request, bool)
        camera, control = request.path_params["camera"], self._control
        control.enable(camera, enabled)
        until = time.monotonic() + CARRIED_OUT_S
        while control.cameras[camera].enabled != enabled and time.monotonic() < until:
            await asyncio.sleep(0.02)
        self._view.tell_cameras()
        return JSONResponse({"enabled": control.cameras[camera].enabled})

    async def hide(self, request: Request) -> Response:
        """Hide these parts of a camera's picture and no others; null: those that its settings name."""
        masks = await self._read(request, Masks | None)
        camera, control = request.path_params["camera"], self._control
        with contextlib.suppress(TimeoutError, asyncio.TimeoutError):  # two classes on Python 3.10
            await _come(control.hide(camera, masks))
        self._view.tell_cameras()
        return Response(msgspec.json.encode({"masks": control.cameras[camera].masks}), media_type="application/json")

    async def trigger(self, request: Request) -> Response:
        """Caption a camera now."""
        try:
            record = await _come(self._control.trigger(request.path_params["camera"]))
        except (TimeoutError, asyncio.TimeoutError):  # two classes on Python 3.10
            return refuse(504, f"the camera gave no picture within {CARRIED_OUT_S:g} s; look at its state")
        return JSONResponse({"id": record.id})

    async def _read(self, request: Request, kind: Any) -> Any:
        """Read a small JSON body.

        Raises:
            HTTPException: it is too large, too slow, cut off or not of that kind.
        """
        async with self._uploads.body(request) as data:
            try:
                return msgspec.json.decode(data, type=kind)
            except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
                raise HTTPException(400, f"this is not the JSON that is wanted here ({error})") from None

    @property
    def _control(self) -> Control:
        if self._view.control is None:
            raise HTTPException(503, "the node is still starting; try again in a few seconds", {"Retry-After": "2"})
        return self._view.control


async def _come(asked: Future[T]) -> T:
    """Wait for what the node's thread was asked for; not for ever, and without taking it back from that thread.

    Raises:
        TimeoutError: it takes too long.
    """
    return await asyncio.wait_for(asyncio.shield(asyncio.wrap_future(asked)), CARRIED_OUT_S)

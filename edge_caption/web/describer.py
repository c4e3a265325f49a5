"""Photos and a prompt -> what the captioner can say to them, for clients that expect a chat model."""

from __future__ import annotations

import asyncio
import os
import re
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from starlette.exceptions import HTTPException

from edge_caption.errors import PhotoError
from edge_caption.model.caption import Caption, ModelIdentity
from edge_caption.model.captioner import Photo
from edge_caption.model.live import Captions
from edge_caption.text import CHINESE
from edge_caption.web.uploads import busy

WAITING = 64
"""Photos that may wait or be captioned at once."""

WORKERS = min(2, os.cpu_count() or 1)
"""Photos captioned at once: one is decoded while the other is in the encoder, which has threads of its own."""

MOST_PHOTOS = 16
"""Of one question."""

NO_PHOTO = "This model describes pictures and can do nothing else. Send a picture."

NO_ANSWER = "(This model describes pictures. It can't answer questions.)"

DESCRIBE = re.compile(
    r"\b(describe|caption|description|what\W?s (in|on|this|that|happening|going on|shown)"
    r"|what (is|are|do you|can you)\b.*\b(image|picture|photo|see|happening|going on|shown|this))"
    r"|描述|看到了?什么|(图|照片|画面|这)\S{0,6}(什么|啥)",
    re.IGNORECASE | re.DOTALL,
)
"""Questions that a caption answers."""

PIECE = re.compile(rf"\s*(?:[{CHINESE}]|[^\s{CHINESE}]+)")
"""What counts as a token: a word, or a Chinese character."""


@dataclass(frozen=True)
class Reply:
    """What is said to a prompt."""

    text: str
    prompt_tokens: int
    tokens: int
    cut: bool = False
    """Whether the client's limit of tokens ended it."""

    @property
    def pieces(self) -> Iterator[str]:
        """The text in pieces, for clients that want to see it grow."""
        return (found[0] for found in PIECE.finditer(self.text))


class Describer:
    """Captions for any number of clients at once, within bounds."""

    def __init__(self, captioner: Captions) -> None:
        """Take what captions."""
        self._captioner = captioner
        self._pool = ThreadPoolExecutor(WORKERS, thread_name_prefix="captioner")
        self._waiting = 0

    @property
    def model(self) -> ModelIdentity:
        """What captions now; a node's may be updated while it runs."""
        return self._captioner.model

    async def caption(self, photo: Photo) -> Caption:
        """Caption a photo.

        Raises:
            HTTPException: it is no photo, or too many wait already.
        """
        if self._waiting >= WAITING:
            raise busy()
        self._waiting += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._pool, self._captioner.caption, photo)
        except PhotoError as error:
            raise HTTPException(422, str(error)) from None
        finally:
            self._waiting -= 1

    async def reply(self, photos: Sequence[bytes], prompt: str, most_tokens: float | None = None) -> Reply:
        """Describe the photos, and say so where the prompt asks for more than that.

        Args:
            photos: files' bytes, in order.
            prompt: what the client says to them.
            most_tokens: words at most; None or less than 1: no limit.

        Raises:
            HTTPException: one is no photo, or there are too many.
        """
        if len(photos) > MOST_PHOTOS:
            raise HTTPException(400, f"{len(photos)} pictures are too many; send at most {MOST_PHOTOS}")
        text = await self._describe(photos, prompt) if photos else NO_PHOTO
        words = PIECE.findall(text)
        kept = words[: int(most_tokens)] if most_tokens and most_tokens >= 1 else words
        return Reply("".join(kept), len(prompt.split()) + len(photos), len(kept), len(kept) < len(words))

    async def _describe(self, photos: Sequence[bytes], prompt: str) -> str:
        captions = await asyncio.gather(*(self.caption(photo) for photo in photos))
        numbers = (f"Image {number}: " for number in range(1, len(photos) + 1)) if len(photos) > 1 else [""]
        said = "\n".join(number + caption.text for number, caption in zip(numbers, captions, strict=True))
        return f"{said}\n{NO_ANSWER}" if asks_more(prompt) else said


def asks_more(prompt: str) -> bool:
    """Whether a prompt asks what a caption does not answer."""
    return any(mark in prompt for mark in "?\N{FULLWIDTH QUESTION MARK}") and not DESCRIBE.search(prompt)

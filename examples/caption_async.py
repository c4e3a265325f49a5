"""Caption photos in an asyncio program: python caption_async.py PHOTO…."""

from __future__ import annotations

import asyncio
import sys

from edge_caption import Caption, Captioner

AT_ONCE = 4


async def main(photos: list[str]) -> None:
    """Print sentences as they are ready; the event loop stays free."""
    captioner = await asyncio.to_thread(Captioner)
    free = asyncio.Semaphore(AT_ONCE)

    async def caption(photo: str) -> tuple[str, Caption]:
        async with free:
            return photo, await asyncio.to_thread(captioner.caption, photo)

    for ready in asyncio.as_completed([caption(photo) for photo in photos]):
        photo, said = await ready
        print(f"{photo}: {said.text}")


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1:]))

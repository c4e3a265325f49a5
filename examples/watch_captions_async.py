"""The same as watch_captions.py with aiomqtt: python watch_captions_async.py [HOST [PORT]]."""

from __future__ import annotations

import asyncio
import sys

import aiomqtt
from watch_captions import Sequences, show


async def main(host: str = "localhost", port: str = "1883") -> None:
    """Print events; connect again where the broker goes away."""
    sequences = Sequences()
    while True:
        try:
            async with aiomqtt.Client(host, int(port), identifier="watch-async", clean_session=False) as client:
                await client.subscribe("edge_caption/+/cam/+/event", qos=1)
                async for message in client.messages:
                    show(bytes(message.payload), sequences)
        except aiomqtt.MqttError as error:  # noqa: PERF203
            print(f"{error}; trying again", file=sys.stderr)
            await asyncio.sleep(2)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))

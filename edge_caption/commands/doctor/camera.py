"""`edge-caption doctor camera`: open a camera, measure what it gives, and say what to do about what is wrong."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from edge_caption.commands.values import checked
from edge_caption.errors import CameraError, ConfigError
from edge_caption.terminal.numbers import rate
from edge_caption.terminal.output import say, set_up_log

if TYPE_CHECKING:
    from edge_caption.cameras.camera import Feed
    from edge_caption.cameras.examination import Examination
    from edge_caption.cameras.settings import CameraSettings
    from edge_caption.cameras.source import Source

POLLS_PER_S = 10
"""Of a snapshot, to find out how quick it is."""

PIXELS = 1280 * 720
"""More than these cost time and show the model nothing."""

BUSY = 0.5
"""A share of a processor core that is much for reading a camera."""


def add_parser(subparsers: Any) -> None:
    """Register the command."""
    from edge_caption.cameras.source import Source

    parser = subparsers.add_parser("camera", help="open a camera and measure it", description=__doc__)
    parser.add_argument("source", type=checked(Source), metavar="SOURCE", help="as with edge-caption run")
    parser.add_argument(
        "--seconds", type=rate, default=10.0, metavar="N", help="how long to watch it (default: %(default)g)"
    )
    parser.add_argument("--transport", choices=("tcp", "udp"), help="of RTSP")
    parser.add_argument("--tls-insecure", action="store_true", help="take any certificate of an https:// camera")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.set_defaults(handler=handle)


def handle(args: argparse.Namespace) -> int:
    """Examine and print; returns 0.

    Raises:
        CameraError: the camera does not open, or gives no frame.
        ConfigError: its pictures come over MQTT.
    """
    from edge_caption.cameras.settings import CameraSettings

    set_up_log()
    settings = CameraSettings(fps=POLLS_PER_S, transport=args.transport, tls_insecure=args.tls_insecure)
    feed = _feed(args.source, settings)
    found = _examine(args.source, feed, settings, args.seconds)
    facts, advice = facts_of(args.source, found), advice_of(found, feed, args.source, settings)
    if args.json:
        import json

        say(json.dumps({**facts, "advice": advice}, ensure_ascii=False))
        return 0
    for name, fact in facts.items():
        say(f"{name.replace('_', ' '):<14} {fact}")
    for sentence in advice or ["nothing is wrong with it"]:
        say(f"- {sentence}")
    return 0


def _feed(source: Source, settings: CameraSettings) -> Feed:
    from edge_caption.cameras.kinds import feed_of

    if source.scheme == "mqtt":
        raise ConfigError(f"the pictures of {source} come through a broker; see with mosquitto_sub whether any come")
    return feed_of(source, settings)


def _examine(source: Source, feed: Feed, settings: CameraSettings, seconds: float) -> Examination:
    from edge_caption.cameras.examination import examine
    from edge_caption.cameras.rtsp_probe import explain_rtsp

    try:
        return examine(feed, settings.open_timeout_s + settings.no_frame_s, seconds)
    except CameraError:
        if source.scheme not in ("rtsp", "rtsps"):
            raise
        raise CameraError(f"{source} {explain_rtsp(source, settings.open_timeout_s)}") from None


def facts_of(source: Source, found: Examination) -> dict[str, object]:
    """Return what was measured, by its name."""
    return {
        "camera": str(source),
        "picture": ", ".join(f"{width}x{height}" for width, height in found.sizes),
        "codec": found.codec or "unknown",
        "first_frame_s": round(found.opening_s, 2),
        "frames_per_s": round(found.fps, 2),
        "usual_gap_s": round(found.usual_gap_s, 3),
        "longest_gap_s": round(found.longest_gap_s, 3),
        "frames": found.frames,
        "processor_%": round(100 * found.cpu),
    }


def advice_of(found: Examination, feed: Feed, source: Source, settings: CameraSettings) -> list[str]:
    """Return a sentence for each thing that should be different."""
    advice = _advice_on_pictures(found)
    longest = found.longest_gap_s
    if found.ended:
        advice.append(f"it ended within the time: {found.ended}")
    if not feed.live:
        return advice
    if longest > max(1.0, 5 * found.usual_gap_s):
        udp = ', or try transport = "udp"' if source.scheme.startswith("rtsp") and settings.transport != "udp" else ""
        advice.append(f"no frame came for {longest:.1f} s; check its network or cable{udp}")
    if longest > settings.no_frame_s / 2:
        advice.append(f"set no_frame_s to {3 * longest:.0f} or more, or it counts as lost between two frames")
    if found.frames > 5 and found.pictures == 1:
        advice.append(f"all {found.frames} frames were the same; restart the camera if something moved")
    if found.cpu > BUSY and not found.ended:  # else it is that of the first moments
        advice.append(f"reading it takes {found.cpu:.0%} of a processor core; choose a smaller or slower stream")
    return advice


def _advice_on_pictures(found: Examination) -> list[str]:
    advice = []
    if len(found.sizes) > 1:
        advice.append("its pictures are of several sizes; that is no fault, but seldom meant")
    if max(width * height for width, height in found.sizes) > PIXELS:
        advice.append("it is larger than the model can use; the camera's smaller stream costs less")
    return advice

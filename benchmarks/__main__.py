"""`python -m benchmarks`: measure and print JSON."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from benchmarks.report import report
from edge_caption.errors import EdgeCaptionError


def main(argv: Sequence[str] | None = None) -> int:
    """Run one benchmark; returns the exit code."""
    args = _parser().parse_args(argv)
    try:
        report(args.benchmark, _measure(args), save=args.save)
    except EdgeCaptionError as error:
        print(f"benchmarks: error: {error}", file=sys.stderr)
        return 1
    return 0


def _measure(args: argparse.Namespace) -> dict[str, object]:
    # Each benchmark brings its own heavy imports; the others do without them.
    match args.benchmark:
        case "confidence":
            from benchmarks import confidence

            return confidence.measure(args.bundle, args.flavour, args.beams, args.captions, args.photos, args.split)
        case "latency":
            from benchmarks import latency

            return latency.measure(args.bundle, args.rounds, args.threads)
        case "memory":
            from benchmarks import memory

            return memory.measure(args.bundle, args.captions, args.runs)
        case "quality":
            from benchmarks import quality

            return quality.measure(
                args.bundle, args.flavours.split(","), args.beams, args.captions, args.photos, args.split
            )
        case _:
            from benchmarks import size

            return size.measure(args.bundle)


def _parser() -> argparse.ArgumentParser:
    shared = argparse.ArgumentParser(add_help=False)
    shared.add_argument("--bundle", type=Path, help="the bundle (default: the one that ships)")
    shared.add_argument("--save", action="store_true", help="also write benchmarks/results/<benchmark>.json")
    top = argparse.ArgumentParser("python -m benchmarks", description=__doc__)
    benchmarks = top.add_subparsers(dest="benchmark", required=True, metavar="BENCHMARK")
    latency = benchmarks.add_parser("latency", parents=[shared], help="frame -> sentence: INT8, fp32, PyTorch eager")
    latency.add_argument("--rounds", type=int, default=40)
    latency.add_argument("--threads", type=int, default=1)
    memory = benchmarks.add_parser("memory", parents=[shared], help="peak memory and cold start of `edge-caption run`")
    memory.add_argument("--captions", type=int, default=50)
    memory.add_argument("--runs", type=int, default=5)
    quality = benchmarks.add_parser("quality", parents=[shared], help="coco-caption scores on a data set")
    quality.add_argument("--captions", type=Path, required=True)
    quality.add_argument("--photos", type=Path, required=True)
    quality.add_argument("--split", default="dev")
    quality.add_argument("--flavours", default="cpu-x86", help="with commas (default: cpu-x86)")
    quality.add_argument("--beams", type=int, nargs="+", default=[1, 3])
    confidence = benchmarks.add_parser("confidence", parents=[shared], help="is confidence the share that is right?")
    confidence.add_argument("--captions", type=Path, required=True)
    confidence.add_argument("--photos", type=Path, required=True)
    confidence.add_argument("--split", default="dev")
    confidence.add_argument("--flavour", default="cpu-x86")
    confidence.add_argument("--beams", type=int, nargs="+", default=[1, 3])
    benchmarks.add_parser("size", parents=[shared], help="bytes of the wheel and the bundle")
    return top


if __name__ == "__main__":
    sys.exit(main())

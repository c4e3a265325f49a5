"""`edge-caption doctor`: try one thing that a node needs, and explain what is wrong with it."""

from __future__ import annotations

from typing import Any


def add_parser(subparsers: Any) -> None:
    """Register the command; each thing that can be tried adds its own part."""
    from edge_caption.commands.doctor import camera, mqtt

    parser = subparsers.add_parser(
        "doctor", help="try a camera or the broker, and explain what is wrong", description=__doc__.partition(": ")[2]
    )
    patients = parser.add_subparsers(metavar="WHAT", required=True)
    for patient in (camera, mqtt):
        patient.add_parser(patients)

"""`edge-caption sign`: make an update file of a bundle, which nodes take over MQTT."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from edge_caption.commands.values import path
from edge_caption.errors import ConfigError
from edge_caption.terminal.output import say


def add_parser(subparsers: Any) -> None:
    """Register the command."""
    parser = subparsers.add_parser(
        "sign", help="sign a bundle, so that nodes take it as an update", description=f"{__doc__} docs/fleet.md."
    )
    parser.add_argument("bundle", nargs="?", type=path, metavar="BUNDLE", help="a bundle's folder")
    parser.add_argument("--key", type=path, metavar="FILE", help="the private key that --new-key made")
    parser.add_argument("--new-key", type=path, metavar="FILE", help="make a key, and print what the settings need")
    parser.add_argument("-o", "--out", type=path, metavar="FILE", help="(default: NAME-VERSION.update, here)")
    parser.add_argument("--allow-older", action="store_true", help="let it replace a newer version")
    parser.set_defaults(handler=handle)


def handle(args: argparse.Namespace) -> int:
    """Make a key or an update file; returns 0."""
    if args.new_key and (args.bundle or args.key):
        raise ConfigError("--new-key stands alone; sign the bundle with a second command")
    if args.new_key:
        return _make_key(args.new_key)
    if not (args.bundle and args.key):
        raise ConfigError("give a bundle and --key; --new-key FILE makes a key")
    return _sign(args.bundle, args.key, args.out, older=args.allow_older)


def _make_key(target: Path) -> int:
    from edge_caption.model.signed import new_key

    public = new_key(target)
    say(f"{target} is the private key: keep it where no node and no broker can read it")
    say("each node's settings need:")
    say("")
    say("[update]")
    say(f'public_key = "{public}"')
    return 0


def _sign(folder: Path, key_file: Path, out: Path | None, *, older: bool) -> int:
    from edge_caption.model.bundle import open_bundle
    from edge_caption.model.selftest import self_test
    from edge_caption.model.signed import read_key, sign

    key, bundle = read_key(key_file), open_bundle(folder)
    target = out or Path(f"{bundle.manifest.name}-{bundle.manifest.version}.update")
    bundle.verify()
    self_test({"bundle": str(folder), "threads": 1})
    try:
        update = sign(bundle, key, target, older=older)
    except OSError as error:
        raise ConfigError(f"{target} can't be written: {error.strerror}") from None
    say(f"{target}: {update.label}, {update.size / 1e6:.1f} MB in {len(update.files)} files")
    return 0

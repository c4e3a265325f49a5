"""`edge-caption service`: run the node as a systemd service, hardened, restarted when it stops advancing."""

from __future__ import annotations

import argparse
import os
import shutil
import stat
import sys
from pathlib import Path
from typing import Any

from edge_caption.commands.values import path
from edge_caption.errors import ConfigError
from edge_caption.terminal.output import say, set_up_log

UNIT = Path("/etc/systemd/system/edge-caption.service")

SETTINGS = Path("/etc/edge-caption.toml")

TEMPLATE = """\
# Written by `edge-caption service install`; `edge-caption service remove` takes it away.
[Unit]
Description=Edge Caption: captions of cameras over MQTT
Documentation=man:systemd.service(5)
Wants=network-online.target
After=network-online.target

[Service]
Type=notify
NotifyAccess=main
ExecStart={program} run --config %d/settings.toml --state-dir %S/edge-caption
LoadCredential=settings.toml:{settings}
Restart=on-failure
RestartSec=5
WatchdogSec=60
TimeoutStopSec=20

DynamicUser=yes
StateDirectory=edge-caption
CacheDirectory=edge-caption
Environment=XDG_CACHE_HOME=%C/edge-caption HOME=%S/edge-caption
SupplementaryGroups=video
UMask=0077

NoNewPrivileges=yes
CapabilityBoundingSet=
ProtectSystem=strict
ProtectHome=read-only
PrivateTmp=yes
ProtectKernelTunables=yes
ProtectKernelModules=yes
ProtectKernelLogs=yes
ProtectControlGroups=yes
ProtectHostname=yes
ProtectProc=invisible
RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6 AF_NETLINK
RestrictNamespaces=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
LockPersonality=yes
SystemCallArchitectures=native
SystemCallFilter=@system-service
# Instead of ProtectClock=yes, which up to systemd 252 takes away all devices, cameras too.
SystemCallFilter=~@clock

[Install]
WantedBy=multi-user.target
"""


def add_parser(subparsers: Any) -> None:
    """Register the command and its parts."""
    parser = subparsers.add_parser("service", help="run as a systemd service", description=__doc__)
    parts = parser.add_subparsers(metavar="PART", required=True)
    for name, handler, about in (
        ("install", install, "write the unit, start it now and at each boot"),
        ("remove", remove, "stop it and remove the unit; settings and captions stay"),
        ("status", status, "show whether it runs"),
    ):
        part = parts.add_parser(name, help=about, description=about)
        part.set_defaults(handler=handler)
    install_parser = parts.choices["install"]
    install_parser.add_argument(
        "--config", type=path, default=SETTINGS, metavar="FILE", help=f"the settings (default: {SETTINGS})"
    )
    install_parser.add_argument("--print", action="store_true", help="print the unit instead")


def install(args: argparse.Namespace) -> int:
    """Write the unit and start it; returns 0."""
    from edge_caption.commands.run import feeds_of
    from edge_caption.config import load

    set_up_log()
    feeds_of(load(args.config, {}))  # settings that are wrong are found now, not at the next boot
    unit = TEMPLATE.format(program=_program(), settings=_plain(args.config.resolve()))
    if args.print:
        for line in unit.splitlines():
            say(line)
        return 0
    _check_rights()
    _check_reach()
    from edge_caption.files import write_whole

    write_whole(UNIT, unit.encode())
    _systemctl("daemon-reload")
    _systemctl("enable", "--now", UNIT.name)
    say(f"{UNIT.name} runs; see its log with: journalctl -u {UNIT.stem}")
    return 0


def remove(_: argparse.Namespace) -> int:
    """Stop the service and remove the unit; returns 0."""
    if not UNIT.exists():
        raise ConfigError(f"there is no {UNIT}; nothing is installed")
    _check_rights()
    _systemctl("disable", "--now", UNIT.name)
    UNIT.unlink()
    _systemctl("daemon-reload")
    say(f"{UNIT.name} is removed; settings and captions stay where they are")
    return 0


def status(_: argparse.Namespace) -> int:
    """Show what systemd knows of the service; returns its exit code, 3 where it does not run."""
    if not UNIT.exists():
        raise ConfigError(f"there is no {UNIT}; install it with: edge-caption service install")
    import subprocess

    return subprocess.run([_find_systemctl(), "--no-pager", "status", UNIT.name], check=False).returncode


def _program() -> str:
    """Return the installed command, which systemd starts by its whole path."""
    beside = _beside()
    return f'"{_plain(beside)}"' if beside.exists() else f'"{_plain(Path(sys.executable))}" -m edge_caption'


def _beside() -> Path:
    return Path(sys.executable).with_name("edge-caption")


def _plain(file: Path) -> str:
    """Return a path in which systemd replaces nothing.

    Raises:
        ConfigError: it can't be written into a unit.
    """
    if set(str(file)) & set('"$\\\n'):
        raise ConfigError(f"systemd can't take the path {str(file)!r}; choose one without quotes, $, \\ and line ends")
    return str(file).replace("%", "%%")


def _check_reach() -> None:
    """See that a user of no rights can start the program.

    Raises:
        ConfigError: it lies in a folder that others may not enter.
    """
    for file in (_beside(), Path(sys.executable).resolve()):
        if hidden := next((folder for folder in file.parents if not folder.stat().st_mode & stat.S_IXOTH), None):
            raise ConfigError(
                f"the service's user may not enter {hidden}, where {file} is; install Python and Edge Caption elsewhere"
            )


def _check_rights() -> None:
    _find_systemctl()
    if os.geteuid() != 0:
        raise ConfigError("a service is installed and removed by root only; run the same command with sudo")


def _find_systemctl() -> str:
    if found := shutil.which("systemctl"):
        return found
    raise ConfigError("this system has no systemd; start edge-caption run with what starts other services here")


def _systemctl(*arguments: str) -> None:
    import subprocess

    done = subprocess.run([_find_systemctl(), *arguments], capture_output=True, text=True, check=False)
    if done.returncode:
        reason = done.stderr.strip().partition("\n")[0] or f"exit code {done.returncode}"
        raise ConfigError(f"systemctl {' '.join(arguments)} failed ({reason}); see journalctl -u {UNIT.stem}")

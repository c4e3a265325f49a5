"""What figures depend on besides the program."""

from __future__ import annotations

import os
import platform
from importlib import metadata
from pathlib import Path

import msgspec

PACKAGES = ("edge-caption", "numpy", "onnxruntime", "opencv-python-headless", "openvino")

BOARD = Path("/proc/device-tree/model")

GOVERNOR = Path("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor")


class Machine(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A computer, without anything that names its owner or its network."""

    processor: str
    cores: int | None
    """That this process may use."""
    system: str
    python: str
    packages: dict[str, str]
    board: str = ""
    """As its device tree says: Raspberry Pi 5 Model B Rev 1.0."""
    memory_mb: int = 0
    governor: str = ""
    """How the kernel chooses the processor's frequency; powersave and ondemand make short runs slow."""


def describe(packages: tuple[str, ...] = PACKAGES) -> Machine:
    """Describe this computer and the packages that are installed of these."""
    return Machine(
        processor=_processor(),
        cores=len(os.sched_getaffinity(0)),
        system=f"{platform.system()} {platform.machine()}",
        python=platform.python_version(),
        packages={package: version for package in packages if (version := _version(package))},
        board=_text(BOARD).strip("\0\n "),
        memory_mb=os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 10**6,
        governor=_text(GOVERNOR).strip(),
    )


def _processor() -> str:
    """Return its name, and on x86 its family and model: one name may stand for several generations."""
    lines = _text(Path("/proc/cpuinfo")).splitlines()
    found = {name.strip(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    name = found.get("model name") or _arm_cores(lines) or platform.processor()
    return f"{name}, family {found['cpu family']} model {found['model']}" if "cpu family" in found else name


ARM_PARTS = {
    "0xd03": "Cortex-A53",
    "0xd05": "Cortex-A55",
    "0xd07": "Cortex-A57",
    "0xd08": "Cortex-A72",
    "0xd0a": "Cortex-A75",
    "0xd0b": "Cortex-A76",
    "0xd42": "Cortex-A78AE",
}
"""`CPU part` of /proc/cpuinfo -> name (Arm's MIDR_EL1), for processors that name themselves by number alone."""


def _arm_cores(lines: list[str]) -> str:
    parts = [line.partition(":")[2].strip() for line in lines if line.startswith("CPU part")]
    return ", ".join(f"{parts.count(part)}x {ARM_PARTS.get(part, part)}" for part in dict.fromkeys(parts))


def _text(file: Path) -> str:
    try:
        return file.read_text(errors="replace")
    except OSError:
        return ""


def _version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None

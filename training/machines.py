"""Where a run takes place."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch

from edge_caption.errors import ConfigError


@dataclass(frozen=True)
class Machines:
    """Where a run takes place; each device gets a process, and its share of every step."""

    devices: int | Literal["auto"] = "auto"
    """GPUs of a machine, or processes where it has none; "auto" is all GPUs, or one process."""

    nodes: int = 1
    """Machines that run the same command on the same folder."""

    def __post_init__(self) -> None:
        """Refuse what can't be had.

        Raises:
            ConfigError: there are fewer GPUs than asked for.
        """
        gpus = torch.cuda.device_count()
        if self.devices != "auto" and gpus and self.devices > gpus:
            raise ConfigError(f"{self.devices} devices were asked for, but this machine has {gpus} GPUs; ask for fewer")


THIS_MACHINE = Machines()

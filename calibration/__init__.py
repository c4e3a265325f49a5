"""Calibration: fp32 graphs and photos -> the range of every activation. Runs from a checkout, never on a device."""

from toolchain.interrupt import end_in_a_line

end_in_a_line("calibration")

import edge_caption  # noqa: E402, F401 - before ONNX Runtime, which it keeps from reporting

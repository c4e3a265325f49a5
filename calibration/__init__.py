"""Calibration: fp32 graphs and photos -> the range of every activation. Runs from a checkout, never on a device."""

import edge_caption  # noqa: F401 - before ONNX Runtime, which it keeps from reporting

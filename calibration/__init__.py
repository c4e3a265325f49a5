"""Calibration: fp32 graphs and photos -> the range of every activation. Runs from a checkout, never on a device."""

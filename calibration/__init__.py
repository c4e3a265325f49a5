"""Calibration: fp32 graphs and real photos -> the range of every activation. Runs from a checkout, never on a device."""

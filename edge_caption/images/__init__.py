"""Bytes -> pixels: photos are checked, decoded and turned upright here, for every part of the program."""

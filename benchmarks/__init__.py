"""Benchmarks: commands that measure and print JSON; nothing in the tests depends on how fast a machine is."""

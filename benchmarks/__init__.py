"""Benchmarks: commands that measure and print JSON; nothing in the tests depends on how fast a machine is."""

from toolchain.interrupt import end_in_a_line

end_in_a_line("benchmarks")

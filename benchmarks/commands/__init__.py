"""The command line of the benchmarks: one thin file each, which imports its benchmark only when that runs."""

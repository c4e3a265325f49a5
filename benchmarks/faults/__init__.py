"""`python -m benchmarks faults`: whatever fails, is a caption lost?"""

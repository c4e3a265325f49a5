"""Figures in the docs, rewritten from saved results, so that none goes stale."""

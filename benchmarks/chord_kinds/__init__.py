"""Recordings of kinds that training has none of, for benchmarks/chord_robustness.py."""

"""Whole runs: an experiment over a grid of arms, rounds, the demo, scores in model cards."""

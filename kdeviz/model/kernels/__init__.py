"""Sums of exponentials: what a density costs, and the fastest ways to pay it."""

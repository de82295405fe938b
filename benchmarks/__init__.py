"""Runnable comparisons; `python -m benchmarks.run` runs all and rewrites RESULTS.md."""

"""Kept runs: an analysis as a folder that survives a restart and can be copied, compared and deleted."""

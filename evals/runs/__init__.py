"""Runs: how a suite is asked of targets, and what is kept of it."""

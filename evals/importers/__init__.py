"""Suites made from what other eval tools keep, with a note about everything that could not be carried over."""

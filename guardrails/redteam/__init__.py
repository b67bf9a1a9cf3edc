"""Attacks on a model's endpoint: what is tried, in which forms, and how it is seen whether it worked."""

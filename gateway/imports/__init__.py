"""Configurations of other gateways, read into ours."""

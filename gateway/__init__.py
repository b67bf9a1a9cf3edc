"""Sluicegate's gateway: the server and everything stateful."""

__version__ = "0.1.0"

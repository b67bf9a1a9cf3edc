"""Sluicegate's guard library. Never imports gateway."""

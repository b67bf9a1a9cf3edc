"""Sluicegate's evaluation library. Never imports gateway."""

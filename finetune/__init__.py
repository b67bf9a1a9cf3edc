"""Sluicegate's fine-tuning library. Never imports gateway."""

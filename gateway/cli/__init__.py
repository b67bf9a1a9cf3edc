"""The command sluice."""

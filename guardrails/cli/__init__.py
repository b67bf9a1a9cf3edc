"""The commands of `sluice guard`."""

"""The command `sluice eval`, which works without a gateway as `python -m evals`. One module, one command."""

"""`python -m evals`: the commands of `sluice eval`, without a gateway."""

from evals.cli.app import main

main()

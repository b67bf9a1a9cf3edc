"""`python -m guardrails`: the commands of `sluice guard`, without a gateway."""

from guardrails.cli.app import main

main()

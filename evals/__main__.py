from evals.cli.app import main

main()

"""Run the command line as ``python -m lyrikstore_cli``."""

from lyrikstore_cli.main import main

main()

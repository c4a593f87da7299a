"""Runs one command line under cProfile: python profiled.py REPORT COMMAND..."""

import cProfile
import sys

report, *arguments = sys.argv[1:]
profile = cProfile.Profile()
with profile:  # loading included; not by -m, for the program ends without a word to Python
    from lyrikstore_cli.main import main

    code = main(arguments)
profile.dump_stats(report)
sys.exit(code)

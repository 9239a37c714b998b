"""`python -m ncsolve`: the command line."""

from ncsolve.cli import main

main()

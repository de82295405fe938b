"""`python -m kdeviz` is `kdeviz`."""

from kdeviz.cli import main

main()

"""`python -m kdeviz.cli` is `kdeviz`."""

from kdeviz.cli import main

main()

"""`python -m urdgn_lite` is `urdgn-lite`."""

from urdgn_lite.cli import main

main()

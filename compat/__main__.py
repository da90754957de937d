"""`python -m compat` is the command `helpscout-v1`."""

import sys

from compat.cli import main

if __name__ == "__main__":
    sys.exit(main())

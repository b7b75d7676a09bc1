"""`python -m dogcam`."""

import sys

from dogcam.cli.app import main

if __name__ == "__main__":
    sys.exit(main())

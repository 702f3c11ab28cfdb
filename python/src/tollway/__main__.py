"""`python -m tollway` is the `tollway` command."""

import sys

from ._cli import main

sys.exit(main())

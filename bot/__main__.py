"""``python -m bot`` is ``kotae``."""

import sys

from bot.cli import main

sys.exit(main())

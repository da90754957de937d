"""The two profiles of the tests: quick by default, thorough with HYPOTHESIS_PROFILE=thorough."""

from __future__ import annotations

import os
from typing import Final

PROFILE: Final = os.environ.get("HYPOTHESIS_PROFILE", "quick")
THOROUGH: Final = PROFILE == "thorough"

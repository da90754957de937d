"""The profiles of the tests: quick by default, and those that HYPOTHESIS_PROFILE names.

`thorough` draws many examples, in CI the same ones each time; `nightly` draws others each time.
"""

from __future__ import annotations

import os
from typing import Final

PROFILE: Final = os.environ.get("HYPOTHESIS_PROFILE", "quick")
THOROUGH: Final = PROFILE in {"thorough", "nightly"}

"""The mark on our own requests, by which a server of ours that meets one can tell and refuse."""

from typing import Final

LOOP_HEADER: Final = "Compat-Upstream"
LOOP_STATUS: Final = 508

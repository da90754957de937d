"""How much may be missing before it looks like lost rights, not like deletions."""

from __future__ import annotations

from typing import Final

from compat.archive.errors import LossAhead

_SHARE: Final = 100
_LEAST: Final = 25
"""A page of conversations may always go, however small the account is."""


class LossGuard:
    """Counts what is missing, and stops a run that misses more than one in a hundred.

    Args:
        size: How many conversations the archive holds.
        accepted: Whether any loss is accepted.
    """

    def __init__(self, size: int, *, accepted: bool) -> None:
        self._size = size
        self._allowed = max(size // _SHARE, _LEAST)
        self._accepted = accepted
        self._missing = 0

    def missed(self, many: int) -> None:
        """So many conversations are missing upstream, if that many may be.

        Raises:
            LossAhead: Too many are missing.
        """
        self.foreseen(many)
        self._missing += many

    def foreseen(self, many: int) -> None:
        """So many more are going to be found missing, as it looks.

        Raises:
            LossAhead: Likewise.
        """
        missing = self._missing + many
        if missing > self._allowed and not self._accepted:
            raise LossAhead(
                f"{missing:,} of the archive's {self._size:,} conversations are missing at "
                "Help Scout, more than one in a hundred. Look whether the user who made the "
                "application may still see all mailboxes; if those conversations are truly gone, "
                "run `helpscout-v1 sync --accept-loss` once. The archive keeps them until then"
            )

    def found(self) -> None:
        """One that was missing is there after all."""
        self._missing -= 1

    def vanished(self, mailboxes: dict[int, int]) -> None:
        """Some mailboxes are not shown any more.

        Args:
            mailboxes: How many conversations the archive holds of each, by its id.

        Raises:
            LossAhead: That is not accepted.
        """
        if mailboxes and not self._accepted:
            named = ", ".join(f"{id_} ({many:,} conversations)" for id_, many in mailboxes.items())
            raise LossAhead(
                f"Help Scout does not show these mailboxes any more: {named}. If only the rights "
                "of the user who made the application changed, give them back; if the mailboxes "
                "are truly gone, run `helpscout-v1 sync --accept-loss` once. The archive keeps "
                "their conversations until then"
            )

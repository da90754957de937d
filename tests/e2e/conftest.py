"""The fixtures of synchronisation, for tests of whole processes."""

from tests.unit.archive.sync.conftest import (  # noqa: F401 - fixtures, used by their names
    any_url,
    asking_again_at_once,
    far_side,
    stage,
    url,
)

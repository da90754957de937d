"""The fixtures of synchronisation, for tests of whole processes."""

from tests.unit.archive.sync.conftest import (  # noqa: F401 - fixtures, used by their names
    any_url,
    retries_without_waiting,
    stage,
    upstream_server,
    url,
)

"""SQLAlchemy, or the way to get it."""

from __future__ import annotations

try:
    import sqlalchemy as sa
    from sqlalchemy.dialects import postgresql, sqlite
except ImportError:
    raise ImportError(
        "an archive needs SQLAlchemy: pip install 'helpscout-v1-compat[archive]'"
    ) from None

__all__ = ["postgresql", "sa", "sqlite"]

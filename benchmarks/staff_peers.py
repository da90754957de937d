"""What a user did in a range, and how customers rated it, in SQL and in polars.

The figures are those of `benchmarks.cases.archive_staff`, in the same order.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Final

from compat.core.intervals import Interval

Figures = tuple[int, ...]
"""The figures of a user, or of ratings."""

_TOUCHED: Final = """
    SELECT conversation FROM thread WHERE created BETWEEN {first} AND {last}
    UNION SELECT id FROM conversation WHERE created BETWEEN {first} AND {last}
    UNION SELECT id FROM conversation WHERE closed BETWEEN {first} AND {last}
"""
_ITS: Final[Mapping[str, str]] = {
    "from the range": """
        c.id IN ({touched}) AND (c.by_user = 1 AND c.created_by = {user} OR c.closed_by = {user}
        OR EXISTS (SELECT 1 FROM thread AS own WHERE own.conversation = c.id
        AND own.author_type = 'user' AND own.author = {user}))
    """,
    "from the user": """
        c.id IN (SELECT conversation FROM thread WHERE author_type = 'user' AND author = {user}
        UNION SELECT id FROM conversation WHERE by_user = 1 AND created_by = {user}
        UNION SELECT id FROM conversation WHERE closed_by = {user})
        AND (c.created BETWEEN {first} AND {last} OR c.closed BETWEEN {first} AND {last}
        OR EXISTS (SELECT 1 FROM thread AS own WHERE own.conversation = c.id
        AND own.created BETWEEN {first} AND {last}))
    """,
}
_USER: Final = """
WITH its AS MATERIALIZED (
    SELECT c.id, c.created, c.closed, c.status, c.created_by, c.by_user FROM conversation AS c
    WHERE {its} AND c.state = 'published' AND c.status <> 'spam'
), own AS MATERIALIZED (
    SELECT t.conversation, t.created, t.id, t.type, t.state, t.status, t.author_type, t.author,
        t.customer, t.action, t.rating
    FROM its JOIN thread AS t ON t.conversation = its.id
), message AS MATERIALIZED (
    SELECT conversation, created, author, customer, author_type = 'user' AS is_reply,
        coalesce(sum(CASE WHEN author_type = 'user' THEN 1 ELSE 0 END) OVER (
            PARTITION BY conversation ORDER BY created, id
            ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
        ), 0) AS earlier
    FROM own WHERE state = 'published' AND action <> 'imported'
        AND type IN ('customer', 'message', 'chat')
), wait AS (
    SELECT conversation, min(CASE WHEN NOT is_reply THEN created END) AS opened,
        max(CASE WHEN is_reply THEN created END) AS ended,
        max(CASE WHEN is_reply THEN author END) AS author
    FROM message GROUP BY conversation, earlier
), resolved AS MATERIALIZED (
    SELECT its.id, its.closed - its.created AS took, count(*) AS replies
    FROM its JOIN message ON message.conversation = its.id
    WHERE its.status = 'closed' AND its.closed BETWEEN {first} AND {last}
        AND message.is_reply AND message.created <= its.closed
    GROUP BY its.id, its.closed, its.created
    HAVING max(CASE WHEN message.author = {user} THEN 1 ELSE 0 END) = 1
), change AS (
    SELECT conversation, created, author, author_type, status,
        lag(status) OVER (PARTITION BY conversation ORDER BY created, id) AS earlier
    FROM own WHERE status IS NOT NULL AND action <> 'imported' AND state = 'published'
)
SELECT
    (SELECT count(*) FROM message
        WHERE is_reply AND author = {user} AND created BETWEEN {first} AND {last}),
    (SELECT count(DISTINCT customer) FROM message
        WHERE is_reply AND author = {user} AND created BETWEEN {first} AND {last}),
    (SELECT count(*) FROM resolved),
    (SELECT coalesce(sum(replies), 0) FROM resolved),
    (SELECT coalesce(sum(CASE WHEN replies = 1 THEN 1 ELSE 0 END), 0) FROM resolved),
    (SELECT coalesce(sum(took), 0) FROM resolved),
    (SELECT coalesce(sum(ended - opened), 0) FROM wait
        WHERE author = {user} AND conversation IN (SELECT id FROM resolved)),
    (SELECT count(DISTINCT conversation) FROM change
        WHERE status = 'closed' AND coalesce(earlier, '') <> 'closed'
        AND author_type = 'user' AND author = {user} AND created BETWEEN {first} AND {last}),
    (SELECT count(*) FROM its
        WHERE by_user = 1 AND created_by = {user} AND created BETWEEN {first} AND {last}),
    (SELECT count(DISTINCT conversation) FROM own
        WHERE author_type = 'user' AND author = {user} AND state <> 'draft'
        AND created BETWEEN {first} AND {last})
"""
_REPLIES: Final = """
    FROM thread AS t JOIN conversation AS c ON c.id = t.conversation
    WHERE t.created BETWEEN {first} AND {last} AND t.state = 'published'
    AND t.action NOT IN ('imported', 'imported-external', 'importedExternal')
    AND c.state = 'published' AND c.status <> 'spam'
"""
_RATINGS: Final = f"""
SELECT * FROM (
    SELECT coalesce(sum(CASE WHEN t.rating = 1 THEN 1 ELSE 0 END), 0),
        coalesce(sum(CASE WHEN t.rating = 2 THEN 1 ELSE 0 END), 0),
        coalesce(sum(CASE WHEN t.rating = 3 THEN 1 ELSE 0 END), 0),
        count(DISTINCT t.rating_customer)
    {_REPLIES} AND t.rating <> 0
) AS rated, (
    SELECT count(DISTINCT t.customer) {_REPLIES} AND t.type IN ('message', 'chat', 'beaconchat')
    AND (t.author_type = 'user' OR t.author_type = '' AND t.type = 'message')
) AS helped
"""

User = Callable[[Interval, int], Figures]
Ratings = Callable[[Interval], Figures]


def sql_user(connection: Any, way: str, within: Interval, user: int) -> Figures:
    """The figures of a user, with one statement."""
    given = {"first": within.first, "last": within.last, "user": user}
    touched = _TOUCHED.format(**given)
    statement = _USER.format(its=_ITS[way].format(touched=touched, **given), **given)
    return tuple(map(int, connection.execute(statement).fetchone()))


def sql_ratings(connection: Any, within: Interval) -> Figures:
    """The ratings, with one statement."""
    given = {"first": within.first, "last": within.last}
    return tuple(map(int, connection.execute(_RATINGS.format(**given)).fetchone()))


def sqlite_peers(database: Path) -> tuple[Mapping[str, User], Ratings]:
    """Statements for the archive's own tables, without SQLAlchemy."""
    connection = sqlite3.connect(database)
    connection.execute("PRAGMA cache_size = -32768")
    users = {way: partial(sql_user, connection, way) for way in _ITS}
    return users, partial(sql_ratings, connection)


def duckdb_peers(directory: Path) -> tuple[User, Ratings]:
    """In memory, with threads sorted by creation."""
    import duckdb

    connection = duckdb.connect()
    for name, frame in _frames(directory).items():
        file = directory / f"{name}.parquet"
        frame.write_parquet(file)
        connection.execute(f"CREATE TABLE {name} AS SELECT * FROM '{file}'")
    return partial(sql_user, connection, "from the range"), partial(sql_ratings, connection)


def polars_peers(directory: Path) -> tuple[User, Ratings]:
    """In memory, with threads sorted by creation."""
    frames = _frames(directory)
    return partial(_polars_user, frames), partial(_polars_ratings, frames)


def _polars_user(frames: Mapping[str, Any], within: Interval, user: int) -> Figures:
    import polars as pl

    in_range = pl.col("created").is_between(*within)
    his = (pl.col("author_type") == "user") & (pl.col("author") == user)
    thread, conversation = frames["thread"].lazy(), frames["conversation"].lazy()
    begun = (pl.col("by_user") == 1) & (pl.col("created_by") == user)
    touched = thread.filter(in_range).select("conversation")
    took_part = thread.filter(his).select("conversation")

    def has(ids: Any) -> Any:
        return pl.col("id").is_in(ids.collect().to_series().unique().implode())

    ended = pl.col("closed").is_between(*within)
    its = conversation.filter(
        (has(touched) | in_range | ended)
        & (has(took_part) | begun | (pl.col("closed_by") == user))
        & (pl.col("state") == "published")
        & (pl.col("status") != "spam")
    ).collect()
    own = (
        thread.join(its.lazy().select(conversation="id"), on="conversation", how="semi")
        .sort("conversation", "created", "id")
        .collect()
    )
    message = own.filter(
        (pl.col("state") == "published")
        & (pl.col("action") != "imported")
        & pl.col("type").is_in(["customer", "message", "chat"])
    ).with_columns(is_reply=pl.col("author_type") == "user")
    message = message.with_columns(
        earlier=pl.col("is_reply").cast(pl.Int64).cum_sum().over("conversation")
        - pl.col("is_reply")
    )
    replies = message.filter("is_reply")
    sent = replies.filter(in_range & (pl.col("author") == user))
    resolved = (
        its.filter((pl.col("status") == "closed") & ended)
        .select("closed", conversation="id", began="created")
        .join(replies, on="conversation")
        .filter(pl.col("created") <= pl.col("closed"))
        .group_by("conversation", "closed", "began")
        .agg(replies=pl.len(), helped=(pl.col("author") == user).any())
        .filter("helped")
    )
    waits = (
        message.join(resolved, on="conversation", how="semi")
        .group_by("conversation", "earlier")
        .agg(
            opened=pl.col("created").filter(~pl.col("is_reply")).min(),
            ended=pl.col("created").filter("is_reply").max(),
            user=pl.col("author").filter("is_reply").max(),
        )
        .filter(pl.col("user") == user)
    )
    changes = own.filter(
        pl.col("status").is_not_null()
        & (pl.col("action") != "imported")
        & (pl.col("state") == "published")
    ).with_columns(
        before=pl.col("status").cast(pl.String).shift(1).over("conversation").fill_null("")
    )
    closings = changes.filter(
        (pl.col("status") == "closed") & (pl.col("before") != "closed") & his & in_range
    )
    return (
        sent.height,
        sent["customer"].n_unique(),
        resolved.height,
        resolved["replies"].sum(),
        resolved.filter(pl.col("replies") == 1).height,
        (resolved["closed"] - resolved["began"]).sum(),
        (waits["ended"] - waits["opened"]).sum(),
        closings["conversation"].n_unique(),
        its.filter(begun & in_range).height,
        own.filter(his & in_range & (pl.col("state") != "draft"))["conversation"].n_unique(),
    )


def _polars_ratings(frames: Mapping[str, Any], within: Interval) -> Figures:
    import polars as pl

    admitted = (pl.col("state") == "published") & (pl.col("status") != "spam")
    found = (
        frames["thread"]
        .lazy()
        .filter(pl.col("created").is_between(*within) & (pl.col("state") == "published"))
        .filter(pl.col("action") != "imported")
        .join(
            frames["conversation"].lazy().filter(admitted),
            left_on="conversation",
            right_on="id",
            how="semi",
        )
        .collect()
    )
    rated = found.filter(pl.col("rating") != 0)
    is_reply = pl.col("type").is_in(["message", "chat"]) & (pl.col("author_type") == "user")
    return (
        *(rated.filter(pl.col("rating") == value).height for value in (1, 2, 3)),
        rated["rating_customer"].n_unique(),
        found.filter(is_reply)["customer"].n_unique(),
    )


def _frames(directory: Path) -> Mapping[str, Any]:
    """The archive's own tables, words as categories."""
    import polars as pl

    columns: Mapping[str, Sequence[str]] = {
        "conversation": (
            *("id", "created", "closed", "status", "state"),
            *("created_by", "by_user", "closed_by"),
        ),
        "thread": (
            *("conversation", "created", "id", "type", "state", "status", "author_type"),
            *("author", "customer", "action", "rating", "rating_customer"),
        ),
    }
    frames = {}
    with sqlite3.connect(directory / "archive.db") as connection:
        for name, chosen in columns.items():
            rows = connection.execute(f"SELECT {', '.join(chosen)} FROM {name} ORDER BY created")
            frame = pl.DataFrame(
                rows.fetchall(), schema=list(chosen), orient="row", infer_schema_length=None
            )
            frames[name] = frame.cast({pl.String: pl.Categorical})
    return frames

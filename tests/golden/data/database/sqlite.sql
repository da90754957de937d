CREATE TABLE archive_schema (version INTEGER PRIMARY KEY, applied_at TEXT NOT NULL);
CREATE TABLE chunk (number INTEGER PRIMARY KEY, version BIGINT NOT NULL);
CREATE TABLE "conversation" (
    id INTEGER PRIMARY KEY, created BIGINT NOT NULL, mailbox BIGINT, folder BIGINT,
    type TEXT, status TEXT NOT NULL, state TEXT NOT NULL, tags TEXT,
    seen BIGINT NOT NULL, number BIGINT NOT NULL, closed BIGINT, closed_by BIGINT NOT NULL,
    created_by BIGINT NOT NULL, customer BIGINT NOT NULL, assignee BIGINT NOT NULL,
    threads BIGINT NOT NULL, updated BIGINT, waiting_since BIGINT
, by_user BIGINT NOT NULL DEFAULT 0);
CREATE TABLE "conversation_tag" (
    tag BIGINT NOT NULL, created BIGINT NOT NULL, conversation BIGINT NOT NULL,
    state TEXT NOT NULL, status TEXT NOT NULL, type TEXT, mailbox BIGINT, folder BIGINT,
    PRIMARY KEY (tag, created, conversation)
) WITHOUT ROWID;
CREATE TABLE document (conversation INTEGER PRIMARY KEY, packed BLOB NOT NULL);
CREATE TABLE forgotten (customer INTEGER PRIMARY KEY, surrogate BIGINT NOT NULL DEFAULT 0, is_user BIGINT NOT NULL DEFAULT 0);
CREATE TABLE forgotten_address (digest TEXT PRIMARY KEY, surrogate BIGINT NOT NULL);
CREATE TABLE gone (conversation INTEGER PRIMARY KEY, seen BIGINT NOT NULL);
CREATE TABLE holder (
    who TEXT NOT NULL, since TEXT NOT NULL, marked TEXT NOT NULL, beat BIGINT NOT NULL
);
CREATE TABLE known (
    layer TEXT NOT NULL, first BIGINT NOT NULL, last BIGINT NOT NULL, as_of BIGINT NOT NULL,
    PRIMARY KEY (layer, first)
);
CREATE TABLE menu (
    kind TEXT NOT NULL, parent BIGINT NOT NULL, seen BIGINT NOT NULL, PRIMARY KEY (kind, parent)
);
CREATE TABLE menu_item (
    kind TEXT NOT NULL, parent BIGINT NOT NULL, position BIGINT NOT NULL, id BIGINT NOT NULL,
    name TEXT NOT NULL, slug TEXT NOT NULL, email TEXT NOT NULL, type TEXT NOT NULL,
    "user" BIGINT NOT NULL, color TEXT NOT NULL, total BIGINT NOT NULL, active BIGINT NOT NULL,
    created BIGINT NOT NULL, modified BIGINT NOT NULL, last TEXT NOT NULL DEFAULT '', role TEXT NOT NULL DEFAULT '', timezone TEXT NOT NULL DEFAULT '', photo TEXT NOT NULL DEFAULT '', company BIGINT NOT NULL DEFAULT 0, PRIMARY KEY (kind, parent, position)
);
CREATE TABLE note (name TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE state (
    epoch BIGINT NOT NULL, version BIGINT NOT NULL, slim BIGINT NOT NULL,
    sealed_at BIGINT, kept_since BIGINT
, threads BIGINT NOT NULL DEFAULT 0);
CREATE TABLE thread (
    id INTEGER PRIMARY KEY, conversation BIGINT NOT NULL, created BIGINT NOT NULL, type TEXT NOT NULL,
    state TEXT NOT NULL, status TEXT, author_type TEXT NOT NULL, author BIGINT NOT NULL,
    customer BIGINT NOT NULL, action TEXT NOT NULL, source TEXT NOT NULL,
    saved_reply BIGINT NOT NULL, rating BIGINT NOT NULL, attachments BIGINT NOT NULL,
    seen BIGINT NOT NULL
, rating_customer BIGINT NOT NULL DEFAULT 0, rating_customer_name TEXT NOT NULL DEFAULT '', rating_user_name TEXT NOT NULL DEFAULT '', rating_comments TEXT NOT NULL DEFAULT '');
CREATE TABLE unread_threads (conversation INTEGER PRIMARY KEY, created BIGINT NOT NULL);
CREATE INDEX conversation_closed ON conversation (closed) WHERE closed IS NOT NULL;
CREATE INDEX conversation_counting
    ON conversation (created, state, status, type, mailbox, folder);
CREATE INDEX conversation_customer ON conversation (customer);
CREATE INDEX conversation_no_folder ON conversation (created) WHERE folder IS NULL;
CREATE INDEX conversation_no_mailbox ON conversation (created) WHERE mailbox IS NULL;
CREATE INDEX conversation_no_tags ON conversation (created) WHERE tags IS NULL;
CREATE INDEX conversation_no_type ON conversation (created) WHERE type IS NULL;
CREATE INDEX thread_conversation ON thread (conversation, created, author_type, author);
CREATE INDEX thread_counting ON thread (created, type, state, author_type, action, conversation);
CREATE INDEX thread_no_author ON thread (author_type, created) WHERE author_type = '';
CREATE INDEX thread_no_rating ON thread (created) WHERE rating = -1;
CREATE INDEX thread_no_state ON thread (created) WHERE state = '' AND type <> 'lineitem';
CREATE INDEX thread_no_type ON thread (created) WHERE type = '';
CREATE INDEX thread_rated ON thread (created, conversation) WHERE rating <> 0;
CREATE INDEX thread_reply ON thread (created, conversation, customer, author, author_type)
    WHERE state = 'published' AND type IN ('message', 'chat', 'beaconchat')
    AND action NOT IN ('imported', 'imported-external', 'importedExternal')
    AND (author_type = 'user' OR author_type = '' AND type = 'message');
CREATE INDEX unread_threads_created ON unread_threads (created);

"""What is behind each address of the API."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from typing import TYPE_CHECKING

from compat.simulator import hal, parameters, payloads
from compat.simulator.folders import shown_by
from compat.simulator.lists import Lister
from compat.simulator.messages import Refusal, Response, answer, not_found
from compat.simulator.reports import busy_times, new_conversations, new_drilldown

if TYPE_CHECKING:
    from compat.simulator.account import Account
    from compat.simulator.behaviour import Behaviour, Plan
    from compat.simulator.faults import Faults
    from compat.simulator.layout import Mailbox
    from compat.simulator.messages import Request
    from compat.simulator.records import Conversation

    Report = Callable[[Account, Behaviour, dict[str, str]], object]

THREADS_SIZE = 25
PLANS_WITH_REPORTS = frozenset({"plus", "pro"})


class Resources:
    """Answers each request that was let in.

    Args:
        account: what there is to show.
        manners: how it is shown, as it is now.
        plan: the account's plan, which decides about reports.
        faults: decides which lists lie.
        before_list: called with the target of a list of conversations before it is answered.
    """

    def __init__(
        self,
        account: Account,
        manners: Callable[[], Behaviour],
        plan: Plan,
        faults: Faults,
        before_list: Callable[[str], None],
    ) -> None:
        self._account = account
        self._layout = account.layout
        self._manners = manners
        self._plan = plan
        self._faults = faults
        self._before_list = before_list
        self.lister = Lister(account, manners)

    def conversations(self, request: Request) -> Response:
        """A page of the list of conversations."""
        self._before_list(request.target)
        question = parameters.read(request.parameters)
        page = self.lister.page(question)
        if page.number > max(page.pages, 1) and self._manners().past_end == "not_found":
            raise not_found()
        rows = [] if self._faults.hides_page(page.total) else self._faults.repeated(page.rows)
        shown = [self._shown(row, embed=question.threads) for row in rows]
        name, total = "conversations", page.total
        payload = hal.page(request, name, shown, total=total, size=page.size, number=page.number)
        if not shown and self._manners().empty == "absent":
            del payload["_embedded"]
        return answer(payload)

    def conversation(self, request: Request, conversation_id: int) -> Response:
        """One conversation; a merged one points to where it went."""
        row = self._account.get(conversation_id)
        if row is None or (not row.listed and row.merged_into is None):
            raise not_found()
        if row.merged_into is not None:
            target = f"{request.base}/v2/conversations/{row.merged_into}"
            return Response(301, b"", headers=(("Location", target),))
        return answer(self._shown(row, embed=request.parameters.get("embed") == "threads"))

    def threads(self, request: Request, conversation_id: int) -> Response:
        """The threads of one conversation."""
        row = self._account.get(conversation_id)
        if row is None or not row.listed:
            raise not_found()
        found = list(payloads.threads(row, self._layout))
        return answer(hal.cut(request, "threads", found, THREADS_SIZE))

    def mailboxes(self, request: Request) -> Response:
        """The mailboxes."""
        found = [payloads.mailbox(known) for known in self._layout.listed_mailboxes()]
        return answer(hal.cut(request, "mailboxes", found))

    def mailbox(self, _request: Request, mailbox_id: int) -> Response:
        """One mailbox."""
        return answer(payloads.mailbox(self._visible(mailbox_id)))

    def folders(self, request: Request, mailbox_id: int) -> Response:
        """The folders of one mailbox, with the number of conversations that each shows."""
        self._visible(mailbox_id)
        alike = self._alike(mailbox_id)
        found = []
        for folder in self._layout.folders_of(mailbox_id):
            shows = shown_by(folder, self._layout)
            counts = [(row, count) for row, count in alike if shows(row)]
            active = sum(count for row, count in counts if row.status == "active")
            found.append(payloads.folder(folder, sum(count for _, count in counts), active))
        return answer(hal.cut(request, "folders", found))

    def tags(self, request: Request) -> Response:
        """The tags, with the number of conversations that carry each."""
        with self._account.lock:
            rows = self._account.conversations()
            known = list(self._layout.tags)
        tickets = Counter(tag_id for row in rows if row.listed for tag_id in row.tag_ids)
        found = [payloads.tag(tag, tickets[tag.id]) for tag in known]
        return answer(hal.cut(request, "tags", found))

    def users(self, request: Request) -> Response:
        """The users."""
        found = [payloads.user(known) for known in self._layout.users]
        return answer(hal.cut(request, "users", found))

    def me(self, _request: Request) -> Response:
        """The user to whom the token belongs: the first one."""
        return answer(payloads.user(self._layout.users[0]) | {"companyId": 1})

    def report(self, request: Request, tell: Report) -> Response:
        """One of the API's own reports, on the plans that have reports."""
        if self._plan not in PLANS_WITH_REPORTS:
            raise Refusal(403, "Reports are not part of this plan")
        return answer(tell(self._account, self._manners(), request.parameters))

    def _visible(self, mailbox_id: int) -> Mailbox:
        if mailbox_id in self._layout.hidden:
            raise Refusal(403, "Access to this mailbox is not allowed")
        known = self._layout.mailbox_by_id.get(mailbox_id)
        if known is None:
            raise not_found()
        return known

    def _shown(self, row: Conversation, *, embed: bool) -> payloads.Payload:
        payload = payloads.conversation(row, self._layout)
        if embed:
            threads = list(payloads.threads(row, self._layout))
            most = payloads.EMBEDDED_CHAT_THREADS if row.type == "chat" else None
            payload["_embedded"] = {"threads": threads[:most]}
        return payload

    def _alike(self, mailbox_id: int) -> list[tuple[Conversation, int]]:
        """One of each kind that folders tell apart, and how many there are of the kind."""
        examples: dict[tuple[int, str, int], Conversation] = {}
        counts: Counter[tuple[int, str, int]] = Counter()
        for row in self._account.conversations():
            if row.listed and row.mailbox_id == mailbox_id:
                kind = (row.folder_id, row.status, row.assignee_id)
                examples[kind] = row
                counts[kind] += 1
        return [(examples[kind], count) for kind, count in counts.items()]


Handler = Callable[..., Response]


def _report(tell: Report) -> Handler:
    return lambda resources, request: resources.report(request, tell)


ROUTES: tuple[tuple[re.Pattern[str], Handler], ...] = tuple(
    (re.compile(f"/v2/{pattern}", re.ASCII), handler)
    for pattern, handler in (
        (r"conversations", Resources.conversations),
        (r"conversations/(\d{1,18})", Resources.conversation),
        (r"conversations/(\d{1,18})/threads", Resources.threads),
        (r"mailboxes", Resources.mailboxes),
        (r"mailboxes/(\d{1,18})", Resources.mailbox),
        (r"mailboxes/(\d{1,18})/folders", Resources.folders),
        (r"tags", Resources.tags),
        (r"users", Resources.users),
        (r"users/me", Resources.me),
        (r"reports/conversations/new", _report(new_conversations)),
        (r"reports/conversations/new-drilldown", _report(new_drilldown)),
        (r"reports/conversations/busy-times", _report(busy_times)),
    )
)
"""Which address is answered by what; the numbers in an address become arguments."""


def route(path: str) -> tuple[Handler, tuple[int, ...]] | None:
    """The handler of a path and its arguments; None for an unknown path."""
    for pattern, handler in ROUTES:
        match = pattern.fullmatch(path)
        if match:
            return handler, tuple(int(number) for number in match.groups())
    return None

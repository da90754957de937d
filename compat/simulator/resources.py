"""The API's resources: one handler for each address."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from typing import TYPE_CHECKING

from compat.simulator import hal, payloads, thread_payloads
from compat.simulator.conversation_list import ConversationList
from compat.simulator.folder_views import folder_shows
from compat.simulator.messages import ApiError, Response, json_response, not_found
from compat.simulator.query_parameters import parse_each, parse_id, parse_list_request
from compat.simulator.reports import (
    busy_times,
    new_conversations,
    new_drilldown,
    received_messages,
)

if TYPE_CHECKING:
    from compat.simulator.behaviour import Behaviour, Plan
    from compat.simulator.conversation import Conversation
    from compat.simulator.faults import Faults
    from compat.simulator.layout import Mailbox, User
    from compat.simulator.messages import Request
    from compat.simulator.store import Account

    Report = Callable[[Account, Behaviour, dict[str, str]], object]

PLANS_WITH_REPORTS = frozenset({"plus", "pro"})


class Resources:
    """Handlers of authenticated requests.

    Args:
        account: the account.
        behaviour: returns the current behaviour.
        plan: the account's plan, which decides on reports.
        faults: draws which lists are wrong.
        before_list: called with the target of a list of conversations or of threads before it is
            answered.
    """

    def __init__(
        self,
        account: Account,
        behaviour: Callable[[], Behaviour],
        plan: Plan,
        faults: Faults,
        before_list: Callable[[str], None],
    ) -> None:
        self._account = account
        self._layout = account.layout
        self._behaviour = behaviour
        self._plan = plan
        self._faults = faults
        self._before_list = before_list
        self.conversation_list = ConversationList(account, behaviour)

    def conversations(self, request: Request) -> Response:
        """A page of the list of conversations."""
        self._before_list(request.target)
        list_request = parse_list_request(request.parameters)
        page = self.conversation_list.page(list_request)
        self._check_end(page.number, page.pages)
        rows = (
            []
            if self._faults.empties_page(page.total)
            else self._faults.with_repeated_row(page.rows)
        )
        shown = [self._payload(request, row, embed=list_request.threads) for row in rows]
        name, total = "conversations", page.total
        payload = hal.page(request, name, shown, total=total, size=page.size, number=page.number)
        return self._page(payload, shown)

    def conversation(self, request: Request, conversation_id: int) -> Response:
        """One conversation; a merged one redirects to the other."""
        row = self._account.get(conversation_id)
        if row is None or (not row.listed and row.merged_into is None):
            raise not_found()
        if row.merged_into is not None:
            target = f"{request.base}/v2/conversations/{row.merged_into}"
            return Response(301, b"", headers=(("Location", target),))
        embed = request.parameters.get("embed") == "threads"
        return json_response(self._payload(request, row, embed=embed))

    def threads(self, request: Request, conversation_id: int) -> Response:
        """A page of the threads of one conversation, the latest first."""
        self._before_list(request.target)
        row = self._account.get(conversation_id)
        if row is None or not row.listed:
            raise not_found()
        found = thread_payloads.listed(row, self._layout, request.base)
        size, number = self._behaviour().page_size, hal.page_number(request)
        self._check_end(number, -(-len(found) // size))
        shown = found[(number - 1) * size : number * size]
        name, total = "threads", len(found)
        payload = hal.page(request, name, shown, total=total, size=size, number=number)
        return self._page(payload, shown)

    def mailboxes(self, request: Request) -> Response:
        """The mailboxes."""
        found = [payloads.mailbox(each, request.base) for each in self._layout.listed_mailboxes()]
        return json_response(hal.slice_page(request, "mailboxes", found))

    def mailbox(self, request: Request, mailbox_id: int) -> Response:
        """One mailbox."""
        return json_response(payloads.mailbox(self._visible(mailbox_id), request.base))

    def fields(self, request: Request, mailbox_id: int) -> Response:
        """The custom fields of one mailbox."""
        self._visible(mailbox_id)
        return json_response(hal.slice_page(request, "fields", [payloads.field()]))

    def folders(self, request: Request, mailbox_id: int) -> Response:
        """The folders of one mailbox, with the number of conversations that each shows."""
        self._visible(mailbox_id)
        groups = self._grouped(mailbox_id)
        found = []
        for folder in self._layout.folders_of(mailbox_id):
            shows = folder_shows(folder, self._layout)
            counts = [(row, count) for row, count in groups if shows(row)]
            active = sum(count for row, count in counts if row.status == "active")
            found.append(payloads.folder(folder, sum(count for _, count in counts), active))
        return json_response(hal.slice_page(request, "folders", found))

    def tags(self, request: Request) -> Response:
        """The tags, with the number of conversations that carry each."""
        with self._account.lock:
            rows = self._account.conversations()
            known = list(self._layout.tags)
        tickets = Counter(tag_id for row in rows if row.listed for tag_id in row.tag_ids)
        found = [payloads.tag(tag, tickets[tag.id]) for tag in known]
        return json_response(hal.slice_page(request, "tags", found))

    def saved_replies(self, request: Request, mailbox_id: int) -> Response:
        """The saved replies of one mailbox: an array without pages, as documented."""
        del request
        self._visible(mailbox_id)
        known = [each for each in self._layout.saved_replies if each.mailbox_id == mailbox_id]
        return json_response([payloads.saved_reply(each) for each in known])

    def users(self, request: Request) -> Response:
        """The users, also those who were only invited; by email or mailbox if requested."""
        wanted = parse_each(request.parameters, {"mailbox": parse_id})
        mailboxes = self._layout.mailbox_by_id
        known = [*self._layout.users, *self._layout.invited]
        if "mailbox" in wanted and wanted["mailbox"] not in mailboxes:
            known = []
        if email := request.parameters.get("email", "").lower():
            known = [each for each in known if each.email.lower() == email]
        return self._users(request, known)

    def teams(self, request: Request) -> Response:
        """The teams."""
        found = [payloads.team(known, request.base) for known in self._layout.teams]
        return json_response(hal.slice_page(request, "teams", found))

    def team_members(self, request: Request, team_id: int) -> Response:
        """The users of one team."""
        team = self._layout.team_by_id.get(team_id)
        if team is None:
            raise not_found()
        return self._users(request, [u for u in self._layout.users if u.id in team.user_ids])

    def user(self, request: Request, user_id: int) -> Response:
        """One user."""
        known = self._layout.user_by_id.get(user_id)
        if known is None:
            raise not_found()
        return json_response(payloads.user(known, request.base))

    def me(self, request: Request) -> Response:
        """The user to whom the token belongs: the first one."""
        return json_response(payloads.user(self._layout.users[0], request.base) | {"companyId": 1})

    def customer(self, request: Request, customer_id: int) -> Response:
        """One customer; every number is that of one, because no record has to store them."""
        return json_response(payloads.customer(customer_id, request.base))

    def report(self, request: Request, make: Report) -> Response:
        """One of the API's own reports, on the plans that have reports."""
        if self._plan not in PLANS_WITH_REPORTS:
            raise ApiError(403, "Reports are not part of this plan")
        return json_response(make(self._account, self._behaviour(), request.parameters))

    def _check_end(self, number: int, pages: int) -> None:
        if number > max(pages, 1) and self._behaviour().past_end == "not_found":
            raise not_found()

    def _page(self, payload: payloads.Payload, shown: list[payloads.Payload]) -> Response:
        if not shown and self._behaviour().empty == "absent":
            del payload["_embedded"]
        return json_response(payload)

    def _users(self, request: Request, known: list[User]) -> Response:
        found = [payloads.user(each, request.base) for each in known]
        return json_response(hal.slice_page(request, "users", found))

    def _visible(self, mailbox_id: int) -> Mailbox:
        if mailbox_id in self._layout.hidden:
            raise ApiError(403, "Access to this mailbox is not allowed")
        known = self._layout.mailbox_by_id.get(mailbox_id)
        if known is None:
            raise not_found()
        return known

    def _payload(self, request: Request, row: Conversation, *, embed: bool) -> payloads.Payload:
        payload = payloads.conversation(row, self._layout, request.base)
        if embed:
            behaviour, base = self._behaviour(), request.base
            threads = thread_payloads.embedded(row, self._layout, behaviour, base)
            payload["_embedded"] = {"threads": threads}
        return payload

    def _grouped(self, mailbox_id: int) -> list[tuple[Conversation, int]]:
        """Conversations grouped by what folders depend on: one of each group, and its size."""
        examples: dict[tuple[int, str, int], Conversation] = {}
        counts: Counter[tuple[int, str, int]] = Counter()
        for row in self._account.conversations():
            if row.listed and row.mailbox_id == mailbox_id:
                kind = (row.folder_id, row.status, row.assignee_id)
                examples[kind] = row
                counts[kind] += 1
        return [(examples[kind], count) for kind, count in counts.items()]


Handler = Callable[..., Response]


def _report(make: Report) -> Handler:
    return lambda resources, request: resources.report(request, make)


ROUTES: tuple[tuple[re.Pattern[str], Handler], ...] = tuple(
    (re.compile(f"/v2/{pattern}", re.ASCII), handler)
    for pattern, handler in (
        (r"conversations", Resources.conversations),
        (r"conversations/(\d{1,18})", Resources.conversation),
        (r"conversations/(\d{1,18})/threads", Resources.threads),
        (r"mailboxes", Resources.mailboxes),
        (r"mailboxes/(\d{1,18})", Resources.mailbox),
        (r"mailboxes/(\d{1,18})/fields", Resources.fields),
        (r"mailboxes/(\d{1,18})/folders", Resources.folders),
        (r"mailboxes/(\d{1,18})/saved-replies", Resources.saved_replies),
        (r"tags", Resources.tags),
        (r"users", Resources.users),
        (r"users/(\d{1,18})", Resources.user),
        (r"users/me", Resources.me),
        (r"teams", Resources.teams),
        (r"teams/(\d{1,18})/members", Resources.team_members),
        (r"customers/(\d{1,18})", Resources.customer),
        (r"reports/conversations/new", _report(new_conversations)),
        (r"reports/conversations/new-drilldown", _report(new_drilldown)),
        (r"reports/conversations/busy-times", _report(busy_times)),
        (r"reports/conversations/received-messages", _report(received_messages)),
    )
)
"""The handler for each address; numbers in an address are its arguments."""


def find_route(path: str) -> tuple[Handler, tuple[int, ...]] | None:
    """The handler of a path and its arguments; None for an unknown path."""
    for pattern, handler in ROUTES:
        match = pattern.fullmatch(path)
        if match:
            return handler, tuple(int(number) for number in match.groups())
    return None

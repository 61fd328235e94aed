"""Lists, the state of a contact on them, and tags: names on our side, numbers on the account's.

Turns list and tag names into ids (read once a run) and decides what to do about a subscription. The rule that must
hold is in `wanted_status`: who unsubscribed, bounced or was removed is never subscribed again unless the mapping says
`resubscribe`, because `POST /contactLists` would do it without a word.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from fieldwright.connectors.activecampaign.client import Client
from fieldwright.connectors.activecampaign.errors import Duplicate

ACTIVE: Final = 1
UNSUBSCRIBED: Final = 2
LEFT: Final = frozenset({2, 3, 91})
"""Unsubscribed, bounced, actively removed. Source for 91: a secondary one (unverified)."""

STATUS_NAMES: Final[Mapping[int, str]] = {
    0: "unconfirmed",
    1: "subscribed",
    2: "unsubscribed",
    3: "bounced",
    91: "removed",
}
_RESUBSCRIBED_BY: Final = 4
"""The source id that the vendor asks for when a person is subscribed again."""


class UnknownList(Exception):
    """The mapping names a list that the key's user cannot see; `known` are the names of those it can."""

    def __init__(self, name: str, known: Sequence[str]) -> None:
        super().__init__(f"there is no list {name!r} that the key's user may see")
        self.known = tuple(known)


@dataclass(frozen=True, slots=True)
class Wish:
    """A mapped membership: the list's id, whether the contact should be on it, and whether even if it left."""

    list_id: str
    subscribed: bool
    resubscribe: bool = False


def wanted_status(wish: Wish, present: int | None) -> int | None:
    """The status to set for a contact that has `present` on the list (None: not on it), or None to leave it."""
    if not wish.subscribed:
        return None if present in LEFT else UNSUBSCRIBED
    if present is None:
        return ACTIVE
    return ACTIVE if wish.resubscribe and present in LEFT else None


def same_memberships(ours: Iterable[Mapping[str, Any]], theirs: Iterable[Mapping[str, Any]]) -> bool:
    """Whether writing `ours` would change nothing; an item may carry `"resubscribe": True`."""
    present = {str(item["list"]).lower(): str(item["status"]) for item in theirs}
    for item in ours:
        status = present.get(str(item["list"]).lower())
        left = status in ("unsubscribed", "bounced", "removed")
        if item.get("status") == "unsubscribed":
            if not left:
                return False
        elif status is None or (left and item.get("resubscribe")):
            return False
    return True


class Audience:
    """The lists and tags of one account, as known to this run."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._lists: dict[str, str] | None = None
        self._tags: dict[str, str] = {}

    def lists(self) -> Mapping[str, str]:
        """Names of the visible lists by id; reads them at the first call. Raises Refusal."""
        if self._lists is None:
            self._lists = {
                str(item["id"]): str(item["name"])
                for reply in self._client.pages("/lists", "lists")
                for item in reply["lists"]
            }
        return self._lists

    def list_id(self, given: str) -> str:
        """The id of a list given by name, without case, or by id. Raises UnknownList, Refusal."""
        lists = self.lists()
        for number, name in lists.items():
            if name.lower() == given.strip().lower():
                return number
        if given.strip() in lists:
            return given.strip()
        raise UnknownList(given, sorted(lists.values()))

    def wishes(self, mapped: Iterable[Mapping[str, Any]], *, resubscribe: bool) -> list[Wish]:
        """The value of `memberships.lists` with ids instead of names; `resubscribe` holds for all of them.
        Raises UnknownList, Refusal."""
        return [
            Wish(
                self.list_id(str(item["list"])),
                item.get("status") != "unsubscribed",
                resubscribe or bool(item.get("resubscribe")),
            )
            for item in mapped
        ]

    def shown(self, memberships: Iterable[Mapping[str, Any]]) -> list[dict[str, str]]:
        """Raw `contactLists` in the form that mappings use; a list that cannot be seen is named by its id."""
        lists = self.lists()
        return [
            {
                "list": lists.get(str(item["list"]), str(item["list"])),
                "status": STATUS_NAMES.get(_status(item), "other"),
            }
            for item in memberships
        ]

    def present(self, contact: str) -> dict[str, int]:
        """The status of a contact by list id, now. Raises Refusal."""
        reply = self._client.get(f"/contacts/{contact}/contactLists")
        return {str(item["list"]): _status(item) for item in reply.get("contactLists", ())}

    def set_status(self, contact: str, list_id: str, status: int, *, again: bool = False) -> None:
        """Subscribe or unsubscribe; `again` when a person who left is subscribed once more. Raises Refusal."""
        body: dict[str, Any] = {"list": list_id, "contact": contact, "status": status}
        if again:
            body["sourceid"] = _RESUBSCRIBED_BY
        self._client.post("/contactLists", {"contactList": body}, idempotent=True)

    def tag_id(self, name: str) -> str:
        """The id of a tag, made when there is none. Raises Refusal."""
        key = name.strip().lower()
        if key not in self._tags and not self._look_up(key):
            body = {"tag": name.strip(), "tagType": "contact", "description": ""}
            try:
                made = self._client.post("/tags", {"tag": body}, idempotent=False)[1]["tag"]
                self._tags[key] = str(made["id"])
            except Duplicate:
                if not self._look_up(key):
                    raise
        return self._tags[key]

    def add_tag(self, contact: str, name: str) -> None:
        """Tag a contact; a tag it has already is fine. Raises Refusal."""
        body = {"contactTag": {"contact": contact, "tag": self.tag_id(name)}}
        self._client.post("/contactTags", body, idempotent=True)

    def _look_up(self, key: str) -> bool:
        # The search finds every tag that contains the text: the whole name is compared here.
        for reply in self._client.pages("/tags", "tags", [("search", key)]):
            for item in reply["tags"]:
                self._tags.setdefault(str(item["tag"]).strip().lower(), str(item["id"]))
        return key in self._tags


def _status(item: Mapping[str, Any]) -> int:
    return int(item["status"])

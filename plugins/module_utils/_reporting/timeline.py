# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: it may change at any time.
"""The application's secrets on a time line: a bar a secret, today, how soon each ends, and where two overlap."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import List, Optional, Tuple

from .fleet import Secret, Tenant
from .ics import role_of
from .markup import Html, el, joined
from .texts import counted, one_line

WIDTH, LEFT, RIGHT, TOP, ROW = 900, 190, 96, 40, 34
BANDS = (90, 60, 30, 14, 7)
BACK, AHEAD = timedelta(days=60), timedelta(days=100)
FARTHEST = timedelta(days=800)


class _Scale:
    """From a moment to its place; what lies outside ends at the edge."""

    def __init__(self, now: datetime, secrets: List[Secret]) -> None:
        starts = [s.start for s in secrets if s.start is not None]
        ends = [s.end for s in secrets if s.end is not None]
        self.now = now
        self.first = max(min([*starts, now - timedelta(days=30)]), now - BACK)
        self.last = min(max([*ends, now + AHEAD]) + timedelta(days=8), now + FARTHEST)

    def x(self, moment: Optional[datetime]) -> float:
        moment = self.last if moment is None else min(max(moment, self.first), self.last)
        share = (moment - self.first) / (self.last - self.first)
        return round(LEFT + share * (WIDTH - LEFT - RIGHT), 1)

    def months(self) -> List[datetime]:
        """Firsts of months, thinned out until their names do not touch."""
        found, moment = [], self.first.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
        while moment <= self.last:
            if moment >= self.first:
                found.append(moment)
            moment = (moment + timedelta(days=32)).replace(day=1)
        every = next(n for n in (1, 2, 3, 6, 12) if n == 12 or len(found) / n <= 12)
        return [month for month in found if (month.month - 1) % every == 0]


def timeline(tenant: Tenant) -> Html:
    # One that ended long ago is only in the table below it.
    secrets = [s for s in tenant.secrets if s.days is None or s.days >= -30]
    if not secrets:
        return Html("")
    scale = _Scale(tenant.now, secrets)
    height = TOP + ROW * len(secrets) + 26
    title, text = "{0}-secrets".format(tenant.anchor), "{0}-secrets-text".format(tenant.anchor)
    drawing = el(
        "svg",
        el("title", "Client secrets of {0}".format(one_line(tenant.name)), id=title),
        el("desc", _in_words(secrets), id=text),
        _bands(scale, height - 26),
        _axis(scale, height - 26),
        _overlaps(scale, secrets),
        joined(_bar(scale, number, secret) for number, secret in enumerate(secrets)),
        _today(scale, height - 26),
        viewBox="0 0 {0} {1}".format(WIDTH, height),
        role="img",
        aria_labelledby="{0} {1}".format(title, text),
    )
    return el("div", drawing, class_="timeline", tabindex="0", role="group", aria_label="Time line of the secrets")


def _in_words(secrets: List[Secret]) -> str:
    return " ".join("{0}: {1}, {2}.".format(_label(s), ends_in(s), role_of(s)) for s in secrets)


def ends_in(secret: Secret) -> str:
    if secret.days is None or secret.end is None:
        return "never ends"
    day = secret.end.strftime("%Y-%m-%d")
    if secret.days < 0:
        return "ended on {0}".format(day)
    return "ends on {0}, in {1}".format(day, counted(secret.days, "day", "days"))


def _label(secret: Secret) -> str:
    return one_line(secret.name) or secret.key_id


def _bands(scale: _Scale, bottom: int) -> Html:
    """The days that are left, from light to strong; a number stands only where there is room for it."""
    parts, free = [], float(WIDTH)
    for days in BANDS:
        begin, end = scale.x(scale.now), scale.x(scale.now + timedelta(days=days))
        parts.append(
            el("rect", x=begin, y=TOP - 8, width=round(end - begin, 1), height=bottom - TOP + 8, class_="band")
        )
        if free - end >= 17 and end - begin >= 12:
            parts.append(el("text", days, x=end, y=TOP - 13, class_="tick", text_anchor="middle"))
            free = end
    return joined(parts)


def _axis(scale: _Scale, bottom: int) -> Html:
    parts = []
    for month in scale.months():
        x = scale.x(month)
        parts.append(el("path", d="M{0} {1}V{2}".format(x, TOP - 8, bottom), class_="month"))
        name = month.strftime("%b") if month.month != 1 else month.strftime("%b %Y")
        parts.append(el("text", name, x=x + 3, y=bottom + 16, class_="tick"))
    return joined(parts)


def _today(scale: _Scale, bottom: int) -> Html:
    x = scale.x(scale.now)
    return joined(
        el("path", d="M{0} {1}V{2}".format(x, 10, bottom + 4), class_="today"),
        el("text", "today, and days from it", x=x - 6, y=TOP - 13, class_="tick now", text_anchor="end"),
    )


def _overlaps(scale: _Scale, secrets: List[Secret]) -> Html:
    """Where the one in use and its successor or predecessor are both valid: the time to hand over in."""
    ours = sorted((s for s in secrets if s.ours and s.start is not None), key=lambda s: str(s.start))
    return joined(
        _overlap(scale, secrets.index(older), secrets.index(newer), newer.start, older.end)
        for older, newer in zip(ours, ours[1:])
        if older.end is None or (newer.start is not None and older.end > newer.start)
    )


def _overlap(scale: _Scale, one: int, other: int, begin: Optional[datetime], end: Optional[datetime]) -> Html:
    first, last = sorted((one, other))
    left, right = scale.x(begin), scale.x(end)
    top, bottom = TOP + ROW * first, TOP + ROW * (last + 1) - 4
    return el("rect", x=left, y=top, width=round(right - left, 1), height=bottom - top, class_="overlap", rx=4)


def _bar(scale: _Scale, number: int, secret: Secret) -> Html:
    y = TOP + ROW * number + 6
    begin, end = scale.x(secret.start or scale.first), scale.x(secret.end)
    kind, badge = _kind(secret)
    label = _label(secret)
    roomy = end - begin > 150
    shown = label if len(label) <= 24 else label[:23] + "\u2026"
    return el(
        "g",
        el("title", "{0}: {1}".format(label, ends_in(secret))),
        el("text", shown, x=LEFT - 12, y=y + 9, class_="name", text_anchor="end"),
        el("text", secret.key_id[:8], x=LEFT - 12, y=y + 21, class_="tick", text_anchor="end"),
        el("rect", x=begin, y=y, width=max(3, round(end - begin, 1)), height=18, rx=3, class_=kind),
        el("text", badge, x=begin + 8, y=y + 13, class_="in on-" + kind.split()[-1]) if roomy else None,
        el(
            "text",
            _at_end(secret) + ("" if roomy or not secret.held else ", held"),
            x=end + 6,
            y=y + 13,
            class_="tick end",
        ),
    )


def _kind(secret: Secret) -> Tuple[str, str]:
    if secret.held:
        return "bar held", "held by Webex Connect"
    if secret.superseded:
        return "bar old", "replaced"
    return ("bar ours", "not known to be used") if secret.ours else ("bar foreign", "somebody else's")


def _at_end(secret: Secret) -> str:
    if secret.days is None:
        return "never ends"
    return "{0} d".format(secret.days) if secret.days >= 0 else "ended"

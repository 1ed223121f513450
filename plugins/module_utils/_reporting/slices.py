# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: it may change at any time.
"""The audits of parts of an inventory become one audit, as if one run had read all tenants."""

from __future__ import annotations

from typing import Any, Dict, Mapping

from .fleet import SCHEMA_VERSION


def merged(documents: Mapping[str, Any]) -> Dict[str, Any]:
    """``documents`` are reports by the path of their file. Raises ValueError, which names the file.

    A tenant in two of them is refused: one of the two is out of date, and which one only its owner can know.
    """
    if not documents:
        raise ValueError("no report is given")
    reports: Dict[str, Any] = {}
    tenants: Dict[str, Any] = {}
    moments = []
    found_in: Dict[str, str] = {}
    for path in sorted(documents):
        document = documents[path]
        try:
            if document["schema_version"] != SCHEMA_VERSION:
                raise ValueError("another version")
            moments.append(str(document["run"]["at"]))
            tenants.update(document["run"]["tenants"])
            of_this = dict(document["reports"])
        except (KeyError, TypeError, ValueError):
            raise ValueError("{0} is no report of the version {1}".format(path, SCHEMA_VERSION)) from None
        for name in of_this:
            if name in found_in:
                raise ValueError("{0} is in {1} and in {2}; remove the older file".format(name, found_in[name], path))
            found_in[name] = path
        reports.update(of_this)
    return {"reports": reports, "run": {"at": min(moments), "tenants": tenants}}

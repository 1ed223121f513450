# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""`make bench`: what the collection costs, next to what the same work costs the usual way.

Everything is a ratio of runs that took turns on the same machine, or a count; seconds alone say little. Each part is a
module with ``measure(settings) -> list[Row]``.
"""

# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: it may change at any time.
"""The look of the tenants' sections, and of the whole on narrow screens and on A4 paper."""

from __future__ import annotations

TENANT = r"""
section.tenant { margin-bottom: .7rem; }
details { background: var(--card); border: 1px solid var(--line); border-radius: 10px; }
summary { display: flex; flex-wrap: wrap; gap: .3rem 1.1rem; align-items: center; padding: .7rem 1.2rem; cursor:
  pointer; list-style: none; }
summary::-webkit-details-marker { display: none; }
summary::before { content: ""; width: .5rem; height: .5rem; border-right: 2px solid var(--muted); border-bottom: 2px
  solid var(--muted); transform: rotate(-45deg); flex: none; }
details[open] > summary::before { transform: rotate(45deg); }
summary h3 { margin: 0; font-size: 1.08rem; letter-spacing: -.01em; flex: 1 1 14rem; }
.downword { color: var(--blocked-text); font-weight: 700; }
.brief { color: var(--muted); font-size: .87rem; }
.badge { display: inline-flex; align-items: center; gap: .35rem; font-weight: 600; font-size: .87rem; white-space:
  nowrap; }
.b-blocked { color: var(--blocked-text); }
.b-drift { color: var(--drift-text); }
.b-expiring { color: var(--expiring-text); }
.b-unreadable { color: var(--unreadable-text); }
.b-waived { color: var(--waived-text); }
.b-as_wanted { color: var(--ok-text); }
.body { padding: 0 1.4rem 1.4rem; border-top: 1px solid var(--hair); }
.about { color: var(--muted); padding-top: .8rem; font-size: .9rem; }
.error { margin-top: .9rem; padding: .7rem 1rem; background: var(--blocked-soft); border-radius: 7px; }
.error small { color: var(--muted); }
.block { margin-top: 1.6rem; }
h4 { margin: 0 0 .55rem; font-size: .98rem; }
.note { color: var(--muted); font-size: .88rem; margin-bottom: .5rem; }
.verdicts > li { display: grid; grid-template-columns: minmax(15rem, 1.35fr) minmax(0, 2fr) minmax(0, 2fr); gap: .2rem 1.6rem; padding:
  .6rem 0; border-top: 1px solid var(--hair); }
.verdicts > li:first-child { border-top: 0; padding-top: 0; }
.mailbox { font-weight: 600; font-size: .95rem; }
.says { font-weight: 600; }
.says.no { color: var(--blocked-text); }
.says.until { color: var(--expiring-text); }
.says.yes { color: var(--ok-text); }
.says.unknown { color: var(--unreadable-text); }
.line li, .facts li { position: relative; padding-left: .95rem; font-size: .9rem; }
.line li::before, .facts li::before { content: "\2013"; position: absolute; left: 0; color: var(--muted); }
.line li, .facts li, .notes li, .coverage li, .waived, .error { overflow-wrap: anywhere; }
.scroll, .wide { overflow-x: auto; position: relative; }
.body table { font-size: .89rem; }
.body thead th { color: var(--muted); font-weight: 550; font-size: .82rem; padding: 0 1rem .35rem 0; border-bottom:
  1px solid var(--line); }
.body td { vertical-align: top; padding: .5rem 1rem .5rem 0; border-bottom: 1px solid var(--hair); }
.drift td:first-child .badge { display: flex; }
.drift tr:not(.first) td { border-top: 0; }
.drift td em { display: block; margin: .2rem 0 0 1.8rem; }
.facts { margin-top: .25rem; }
.facts li { color: var(--muted); }
.values li { overflow-wrap: anywhere; }
.drift td { min-width: 7rem; }
.drift td > code { overflow-wrap: break-word; }
.secrets td:nth-child(n + 3) { white-space: nowrap; }
.whole { white-space: nowrap; }
.together { columns: 2 12rem; font-size: .95em; }
.fix { min-width: 17rem; max-width: 26rem; }
.tag { background: var(--code); border-radius: 5px; padding: .12rem .45rem; font-weight: 600; white-space: nowrap; }
.cmdlet { display: block; margin-top: .3rem; color: var(--muted); font: .84em/1.45 ui-monospace, "DejaVu Sans Mono",
  "Liberation Mono", monospace; overflow-wrap: anywhere; }
.waived { color: var(--waived-text); font-size: .88rem; margin-top: .2rem; }
.none { color: var(--muted); }
.w-expired { color: var(--blocked-text); font-weight: 600; }
.two { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(20rem, 100%), 1fr)); gap: 0 2.2rem; }
.notes li, .coverage li { padding: .35rem 0; border-top: 1px solid var(--hair); font-size: .92rem; }
.coverage small { color: var(--muted); }
.level { font-size: .8rem; font-weight: 600; color: var(--muted); }
.n-warning .level { color: var(--blocked-text); }
.n-notice .level { color: var(--drift-text); }
.gap b { color: var(--drift-text); }
dl { display: grid; grid-template-columns: 14rem 1fr; gap: .15rem 1rem; margin: 0; font-size: .9rem; }
dt { grid-column: 1; color: var(--muted); }
dd { grid-column: 2; margin: 0; overflow-wrap: anywhere; }
.fixed li { padding: .15rem 0; }
.fixed { columns: 2 24rem; }
.timeline { overflow-x: auto; margin-bottom: .8rem; }
.timeline svg { display: block; width: 100%; min-width: 44rem; height: auto; }
.timeline text { fill: var(--ink); font-size: 12px; }
.timeline .tick { fill: var(--muted); font-size: 11px; }
.timeline .end { fill: var(--ink); }
.timeline .name { font-weight: 600; }
.band { fill: var(--band); fill-opacity: .11; }
.month { stroke: var(--hair); }
.today { stroke: var(--ink); stroke-width: 1.5; }
.timeline .now { fill: var(--ink); }
.overlap { fill: var(--overlap); fill-opacity: .1; stroke: var(--overlap); stroke-dasharray: 3 3; }
.bar.held { fill: var(--held); }
.bar.ours { fill: none; stroke: var(--held); stroke-width: 1.5; }
.bar.old { fill: var(--ours); fill-opacity: .35; }
.bar.foreign { fill: none; stroke: var(--foreign); stroke-dasharray: 4 3; }
.timeline .in { font-weight: 600; font-size: 11.5px; }
text.on-held { fill: var(--card); }
"""

MEDIA = r"""
@media screen and (max-width: 62rem) {
  .page { padding: 0 1rem; }
  .opening { padding-top: 1.8rem; }
  .matrix thead th { position: static; }
  .verdicts > li { grid-template-columns: minmax(0, 1fr); }
  .scroll table { min-width: 46rem; }
  .matrix { min-width: 60rem; }
  dl { grid-template-columns: minmax(0, 1fr); }
  dd, dt { grid-column: 1; }
  .matrix th.tenant { position: sticky; left: 0; background: var(--card); min-width: 10rem; z-index: 1; }
}
@media screen and (min-width: 62.01rem) {
  .wide { overflow: visible; }
}
@media print {
  @page { size: A4 landscape; margin: 11mm; }
  :root { --paper: #ffffff; --card: #ffffff; color-scheme: light; }
  * { -webkit-print-color-adjust: exact; print-color-adjust: exact; }
  html { font-size: 12px; }
  body { font-size: 1rem; }
  .page { max-width: none; padding: 0; }
  .opening { padding-top: 0; }
  #filters, .skip { display: none !important; }
  .matrix thead th { position: static; }
  .matrix thead { display: table-header-group; }
  .matrix { min-width: 0; border-radius: 0; }
  .matrix tr, .verdicts > li, .legend, .timeline, .drift tr { break-inside: avoid; }
  h2, h3, h4, summary { break-after: avoid; }
  .matrix td, .matrix tbody th { height: auto; padding-top: .12rem; padding-bottom: .12rem; }
  .mark { width: 1.1rem; height: 1.1rem; }
  .wide, .scroll, .timeline { overflow: visible; }
  .timeline svg { min-width: 0; }
  details { border-radius: 0; }
  a { color: inherit; text-decoration: none; }
}
"""

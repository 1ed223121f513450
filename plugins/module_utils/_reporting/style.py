# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: it may change at any time.
"""The report's look: its colours in light and dark, the opening and the matrix; the rest is in style_tenant.py."""

from __future__ import annotations

from .style_tenant import MEDIA, TENANT

_COLOURS = r"""
:root { color-scheme: light dark; --paper: #f7f6f3; --card: #ffffff; --ink: #1b1d22; --muted: #595e69; --line:
  #dddad3; --hair: #ebe9e3; --link: #174ea6; --focus: #174ea6; --hover: #f1efe9; --code: #f2f0eb; --blocked: #b3261e;
  --on-blocked: #ffffff; --blocked-text: #a3211a; --blocked-soft: #fbeae8; --drift: #b04a00; --on-drift: #ffffff;
  --drift-text: #964000; --expiring: #f2c037; --on-expiring: #2d2300; --expiring-text: #6f5300; --unreadable: #5b5f6b;
  --on-unreadable: #ffffff; --unreadable-text: #4c505b; --waived-text: #2f5a9e; --ok-text: #1d6b45; --ok-soft:
  #e6f2eb; --band: #d98a1f; --held: #1d6b45; --ours: #6f8f7e; --foreign: #7c7f8a; --overlap: #174ea6; }
@media screen and (prefers-color-scheme: dark) {
  :root { --paper: #131519; --card: #1b1e24; --ink: #e9e9ec; --muted: #a4a9b5; --line: #363a44; --hair: #282c34;
    --link: #9cbcf7; --focus: #9cbcf7; --hover: #232730; --code: #262a32; --blocked: #f2796f; --on-blocked: #2b0703;
    --blocked-text: #ff9a91; --blocked-soft: #351b1a; --drift: #f09a4b; --on-drift: #2b1500; --drift-text: #f7ad6c;
    --expiring: #f0cb5c; --on-expiring: #2a2100; --expiring-text: #f0d07a; --unreadable: #a9adb9; --on-unreadable:
    #17191e; --unreadable-text: #c1c5cf; --waived-text: #9cbcf7; --ok-text: #7fcaa0; --ok-soft: #1a2f25; --band:
    #e0a03c; --held: #4fa97b; --ours: #5f8573; --foreign: #7d818d; --overlap: #9cbcf7; }
}
"""

_BASE = r"""
*, *::before, *::after { box-sizing: border-box; }
[hidden] { display: none !important; }
html { scroll-behavior: auto; scroll-padding-top: 5.5rem; }
body { margin: 0; background: var(--paper); color: var(--ink); font: 15px/1.5 ui-sans-serif, system-ui, -apple-system,
  "Segoe UI", "Inter", "Helvetica Neue", "Liberation Sans", Arial, sans-serif; font-variant-numeric: tabular-nums;
  -webkit-text-size-adjust: 100%; }
.page { max-width: 78rem; margin: 0 auto; padding: 0 2rem; }
a { color: var(--link); text-decoration-thickness: 1px; text-underline-offset: .18em; }
:focus-visible { outline: 2px solid var(--focus); outline-offset: 2px; border-radius: 3px; }
code { font: .86em/1.4 ui-monospace, "SF Mono", "Cascadia Mono", "DejaVu Sans Mono", "Liberation Mono", monospace;
  overflow-wrap: anywhere; }
ul { margin: 0; padding: 0; list-style: none; }
p { margin: 0; }
bdi { overflow-wrap: anywhere; }
table { border-collapse: collapse; width: 100%; }
th { text-align: left; font-weight: 600; }
.sr { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
.skip { position: absolute; left: -999px; }
.skip:focus { left: 1rem; top: 1rem; background: var(--card); padding: .5rem 1rem; z-index: 9; }
.symbols { position: absolute; }
.opening { padding-top: 3.2rem; padding-bottom: 1.6rem; }
.kicker { color: var(--muted); font-size: .95rem; }
h1 { margin: .3rem 0 .7rem; font-size: clamp(1.8rem, 4vw, 2.6rem); line-height: 1.12; letter-spacing: -.022em;
  font-weight: 680; text-wrap: balance; }
.byline { color: var(--muted); }
.byline b { color: var(--ink); }
h2 { margin: 2.6rem 0 1rem; font-size: 1.3rem; letter-spacing: -.012em; }
.fleet h2 { margin-top: 1rem; }
footer { color: var(--muted); font-size: .87rem; padding-top: 2.5rem; padding-bottom: 3.5rem; }
footer p { max-width: 68ch; }
"""

_MATRIX = r"""
#filters { position: relative; display: flex; flex-wrap: wrap; gap: .8rem 1.2rem; align-items: end; margin-bottom:
  .9rem; }
.picks { display: flex; flex-wrap: wrap; gap: .45rem; flex: 1 1 26rem; }
button { font: inherit; color: inherit; background: var(--card); border: 1px solid var(--line); border-radius: 7px;
  padding: .36rem .75rem; cursor: pointer; }
button:hover { background: var(--hover); }
.pick b { font-weight: 700; }
.pick { border-left-width: 4px; }
.pick[aria-pressed=true] { background: var(--ink); color: var(--paper); border-color: var(--ink); }
.p-down, .p-blocked { border-left-color: var(--blocked); }
.p-drift { border-left-color: var(--drift); }
.p-expiring { border-left-color: var(--expiring); }
.p-ok { border-left-color: var(--ok-text); }
.p-unreadable, .p-unreachable { border-left-color: var(--unreadable); }
.search { display: flex; gap: .6rem; align-items: end; flex-wrap: wrap; }
.search label span { display: block; font-size: .82rem; color: var(--muted); margin-bottom: .15rem; }
.search input { font: inherit; width: 17rem; max-width: 100%; padding: .36rem .7rem; border: 1px solid var(--muted);
  border-radius: 7px; background: var(--card); color: var(--ink); }
::placeholder { color: var(--muted); opacity: 1; }
.folds { display: flex; gap: .4rem; }
#shown { flex-basis: 100%; font-size: .85rem; color: var(--muted); }
.matrix { background: var(--card); border: 1px solid var(--line); border-radius: 10px; border-collapse: separate;
  border-spacing: 0; }
.matrix caption { caption-side: bottom; text-align: left; color: var(--muted); font-size: .85rem; padding: .6rem 0 0;
  }
.matrix thead th { background: var(--card); font-size: .78rem; line-height: 1.2; color: var(--muted); font-weight:
  550; padding: .45rem .35rem; vertical-align: bottom; border-bottom: 1px solid var(--line); position: sticky;
  z-index: 2; }
.matrix thead tr:first-child th { top: 0; height: 2rem; }
.matrix thead tr:last-child th { top: 2rem; }
.matrix thead th.tenant, .matrix thead th.days { border-radius: 10px 10px 0 0; }
.matrix th.group { border-bottom: 0; color: var(--ink); font-weight: 640; border-left: 1px solid var(--hair); }
.matrix th.step, .matrix th.mail { text-align: center; hyphens: manual; }
.matrix td, .matrix tbody th { padding: .32rem .35rem; border-bottom: 1px solid var(--hair); height: 2.5rem; }
.matrix tbody tr:last-child > * { border-bottom: 0; }
.matrix tbody tr:hover > * { background: var(--hover); }
.matrix th.tenant { padding-left: 1rem; min-width: 13rem; }
.matrix tbody th { font-weight: 560; line-height: 1.25; }
.matrix tbody th a { color: var(--ink); text-decoration-color: var(--line); }
.matrix tbody th a:hover { text-decoration-color: currentColor; }
.matrix th small { display: block; font-weight: 400; color: var(--muted); font-size: .8rem; }
.matrix tr.down th { box-shadow: inset 4px 0 var(--blocked); }
.matrix td.step { text-align: center; white-space: nowrap; width: 4.6rem; }
.matrix td.mail { text-align: center; width: 5.2rem; }
.matrix td.step i { font: 600 .74rem/1 inherit; font-style: normal; color: var(--muted); margin-left: .15rem; }
.matrix td.days { text-align: right; padding-right: 1rem; white-space: nowrap; }
.matrix th.days { text-align: right; padding-right: 1rem; }
.matrix th.days { min-width: 5.4rem; }
.mark { width: 1.45rem; height: 1.45rem; vertical-align: middle; flex: none; }
symbol text { font: 700 11.5px ui-sans-serif, system-ui, "Segoe UI", "Liberation Sans", Arial, sans-serif; }
.m-blocked { fill: var(--blocked); }
.m-drift { fill: var(--drift); }
.m-expiring { fill: var(--expiring); }
.m-unreadable { fill: var(--unreadable); }
.m-waived { fill: none; stroke: var(--waived-text); stroke-width: 1.6; }
.m-as_wanted { fill: var(--ok-soft); stroke: var(--ok-text); stroke-width: 1; }
.m-not_applicable { fill: none; stroke: var(--muted); stroke-width: 2; }
.m-blocked { --letter: var(--on-blocked); }
.m-drift { --letter: var(--on-drift); }
.m-expiring { --letter: var(--on-expiring); }
.m-unreadable { --letter: var(--on-unreadable); }
.m-waived { --letter: var(--waived-text); }
.m-as_wanted { --letter: var(--ok-text); }
symbol text { fill: var(--letter); stroke: none; }
.answer { display: inline-block; font-size: .85rem; font-weight: 600; white-space: nowrap; }
.answer.no { color: var(--on-blocked); background: var(--blocked); border-radius: 5px; padding: .05rem .5rem; }
.answer.until { color: var(--expiring-text); }
.answer.yes { color: var(--ok-text); font-weight: 500; }
.answer.unknown { color: var(--unreadable-text); border: 1px dashed var(--unreadable-text); border-radius: 5px;
  padding: 0 .5rem; }
.left { font-weight: 500; }
.l-0, .l-7, .l-14 { color: var(--blocked-text); font-weight: 700; }
.l-30 { color: var(--drift-text); font-weight: 700; }
.l-60, .l-90 { color: var(--expiring-text); }
.new, .still { font-style: normal; font-size: .76rem; font-weight: 600; white-space: nowrap; }
.new { color: var(--blocked-text); }
.matrix .new { margin-left: .45rem; }
.still { color: var(--muted); font-weight: 500; }
.legend { display: flex; flex-wrap: wrap; gap: .3rem 1.6rem; margin-top: 1rem; font-size: .85rem; color: var(--muted);
  }
.legend b { color: var(--ink); font-weight: 600; }
.legend li { display: flex; gap: .4rem; align-items: center; }
"""

STYLE = _COLOURS + _BASE + _MATRIX + TENANT + MEDIA

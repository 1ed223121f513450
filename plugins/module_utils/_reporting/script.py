# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: it may change at any time.
"""The report's script: the filter, and folding. Without it everything is there, only unfiltered."""

from __future__ import annotations

SCRIPT = r"""
"use strict";
(function () {
  var form = document.getElementById("filters");
  var text = document.getElementById("filter");
  var shown = document.getElementById("shown");
  var picks = Array.from(form.querySelectorAll("[data-filter]"));
  var parts = Array.from(document.querySelectorAll("[data-tenant]"));
  var rows = parts.filter(function (part) { return part.tagName === "TR"; });
  var details = Array.from(document.querySelectorAll("section.tenant > details"));

  function apply() {
    var words = text.value.toLowerCase().split(/\s+/).filter(Boolean);
    var states = picks.filter(function (pick) { return pick.getAttribute("aria-pressed") === "true"; })
      .map(function (pick) { return pick.dataset.filter; });
    var number = 0;
    parts.forEach(function (part) {
      var is = part.dataset.is.split(" ");
      var fits = words.every(function (word) { return part.dataset.text.includes(word); }) &&
        (!states.length || states.some(function (state) { return is.includes(state); }));
      part.hidden = !fits;
      if (fits && part.tagName === "TR") { number += 1; }
    });
    document.getElementById("nothing").hidden = number > 0 || !rows.length;
    shown.textContent = number === rows.length ? "All " + number + " shown" : number + " of " + rows.length + " shown";
  }

  function openTarget() {
    var target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
    var fold = target && target.querySelector("details");
    if (fold) { fold.open = true; target.scrollIntoView(); }
  }

  function foldAll(open) {
    return function () {
      details.forEach(function (fold) { if (!fold.parentNode.hidden) { fold.open = open; } });
    };
  }

  text.addEventListener("input", apply);
  text.addEventListener("keydown", function (event) {
    if (event.key === "Escape") { text.value = ""; apply(); }
  });
  picks.forEach(function (pick) {
    pick.addEventListener("click", function () {
      pick.setAttribute("aria-pressed", pick.getAttribute("aria-pressed") === "true" ? "false" : "true");
      apply();
    });
  });
  form.addEventListener("submit", function (event) { event.preventDefault(); });
  document.getElementById("open-all").addEventListener("click", foldAll(true));
  document.getElementById("close-all").addEventListener("click", foldAll(false));
  window.addEventListener("hashchange", openTarget);
  form.hidden = false;
  apply();
  openTarget();
})();
"""

// The browser's tab tells the result while its page stays open: title and icon follow
// what a stream brought.
"use strict";

(function () {
  var icon = document.querySelector('link[rel="icon"]');

  document.addEventListener("htmx:sseMessage", function () {
    var told = document.querySelector("[data-trouble]");
    if (!told) return;
    if (told.dataset.title) document.title = told.dataset.title + " · Berth";
    var wanted = told.dataset.trouble === "true" ? icon.dataset.bad : icon.dataset.good;
    if (icon.getAttribute("href") !== wanted) icon.setAttribute("href", wanted);
  });
})();

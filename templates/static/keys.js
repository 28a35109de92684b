// Shortcuts of the keyboard: ? shows them, / goes to the search, g and a letter opens a
// page. They can be turned off, and never act while somebody types.
"use strict";

(function () {
  var dialog = document.getElementById("shortcuts");
  if (!dialog) return; // nobody is signed in
  var box = document.getElementById("shortcuts-on");
  var offKey = "berth-shortcuts-off";
  var pairTime = 1500; // ms between the two keys of a pair
  var begun = -pairTime;

  // A browser may refuse to keep anything: then the choice holds for this page.
  function stored(change) {
    try { return change(window.localStorage); } catch (refused) { return null; }
  }

  box.checked = stored(function (store) { return store.getItem(offKey); }) === null;
  box.addEventListener("change", function () {
    stored(function (store) {
      if (box.checked) store.removeItem(offKey);
      else store.setItem(offKey, "yes");
    });
  });
  document.querySelectorAll("[data-shortcuts]").forEach(function (button) {
    button.addEventListener("click", function () { dialog.showModal(); });
  });

  function searchField() {
    return Array.prototype.find.call(document.querySelectorAll('main input[type="search"]'), function (field) {
      return field.checkVisibility();
    });
  }

  function search() {
    var field = searchField();
    if (!field) return window.location.assign("/admin#search");
    field.focus();
    field.select();
  }
  if (window.location.hash === "#search" && searchField()) search();

  function typing(element) {
    return element.isContentEditable || element.matches("input, textarea, select");
  }

  document.addEventListener("keydown", function (event) {
    if (!box.checked || event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
    if (dialog.open || typing(event.target)) return;
    var page = event.timeStamp - begun < pairTime && dialog.querySelector('[data-go="' + CSS.escape(event.key) + '"]');
    begun = event.key === "g" ? event.timeStamp : -pairTime;
    if (page) page.click();
    else if (event.key === "?") dialog.showModal();
    else if (event.key === "/") search();
    else return;
    event.preventDefault();
  });
})();

// Copies what stands before a button, such as an address, a secret or a command, or the
// lines of a log. Without script there is no button.
"use strict";

(function () {
  function textOf(shown) {
    if (shown.matches("a[href]")) return shown.href;
    if (shown.matches("input, textarea")) return shown.value;
    return shown.innerText.trim();
  }

  // A line as it is read: when, by which service, what.
  function lineText(line) {
    var time = line.querySelector("time");
    var service = line.querySelector("b");
    var text = (line.querySelector(":scope > span") || line).textContent;
    return (time ? time.dateTime + " " : "") + (service ? service.textContent + ": " : "") + text;
  }

  function linesOf(panel) {
    return Array.prototype.map.call(panel.querySelectorAll("li:not(.older)"), lineText).join("\n");
  }

  // The button says it to those who look at it, and the status to those who listen.
  function say(button, word, sentence) {
    var label = button.firstChild;
    button.dataset.label = button.dataset.label || label.data;
    label.data = word;
    window.setTimeout(function () { label.data = button.dataset.label; }, 2000);
    document.getElementById("said").textContent = sentence;
  }

  document.addEventListener("click", function (event) {
    var button = event.target.closest("[data-copy], [data-copy-lines]");
    if (!button) return;
    var panel = button.dataset.copyLines;
    var text = panel ? linesOf(document.getElementById(panel)) : textOf(button.previousElementSibling);
    document.getElementById("said").textContent = "";
    // Browsers have no clipboard for pages over plain HTTP.
    var copied = navigator.clipboard ? navigator.clipboard.writeText(text) : Promise.reject();
    copied.then(
      function () { say(button, "Copied", "Copied."); },
      function () { say(button, "Not copied", "Not copied. Select the text and copy it."); }
    );
  });
})();

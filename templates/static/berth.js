// What the pages do better with script. Everything here has a plain form or
// link below it that works without.
"use strict";

(function () {
  document.documentElement.classList.add("script");

  // Times are relative; keep them true while the page stays open.
  function ago(at) {
    var past = Math.floor((Date.now() - at.getTime()) / 1000);
    if (past < 5) return "just now";
    if (past < 60) return past + " s ago";
    if (past < 3600) return Math.floor(past / 60) + " min ago";
    if (past < 86400) return Math.floor(past / 3600) + " h ago";
    if (past < 60 * 86400) return Math.floor(past / 86400) + " d ago";
    return null;
  }

  function refreshTimes() {
    document.querySelectorAll("time[datetime]").forEach(function (element) {
      if (!/ago$|^just now$/.test(element.textContent)) return;
      var text = ago(new Date(element.dateTime));
      if (text && text !== element.textContent) element.textContent = text;
    });
  }
  setInterval(refreshTimes, 10000);

  // The server tells times of day in UTC; a page shows the person's own.
  function localTimes(root) {
    root.querySelectorAll("time[datetime]:not([data-local])").forEach(function (element) {
      var at = new Date(element.dateTime);
      element.dataset.local = "";
      element.title = at.toLocaleString();
      if (/^\d\d:\d\d:\d\d$/.test(element.textContent)) {
        element.textContent = at.toLocaleTimeString([], { hour12: false });
      }
    });
  }

  // Log panels scroll with their text only while they are at their end.
  function atEnd(panel) {
    return panel.scrollHeight - panel.scrollTop - panel.clientHeight < 40;
  }

  function followBox(panel) {
    return document.querySelector('[data-follow="' + panel.id + '"]');
  }

  function toEnd(panel) {
    panel.scrollTop = panel.scrollHeight;
  }

  function setUpPanel(panel) {
    var box = followBox(panel);
    var last = 0;
    toEnd(panel);
    if (!box) return;
    panel.addEventListener("scroll", function () {
      // Only a person scrolls up; text that wraps anew moves the end instead.
      if (atEnd(panel)) box.checked = true;
      else if (panel.scrollTop < last) box.checked = false;
      last = panel.scrollTop;
    }, { passive: true });
    box.addEventListener("change", function () {
      if (box.checked) toEnd(panel);
    });
    new ResizeObserver(function () {
      if (box.checked) toEnd(panel);
    }).observe(panel);
  }

  function trim(panel) {
    var most = Number(panel.dataset.mostLines);
    var list = panel.querySelector("ol");
    if (!most || !list) return;
    while (list.children.length > most) list.firstElementChild.remove();
  }

  document.addEventListener("htmx:sseBeforeMessage", function (event) {
    var list = event.target;
    if (list.dataset.seen === undefined) return;
    // A stream that was opened anew may tell again what is on the page.
    var id = Number(event.detail.lastEventId);
    if (id <= Number(list.dataset.seen)) {
      event.preventDefault();
      return;
    }
    list.dataset.seen = String(id);
  });

  // A stream that is opened anew goes on behind what its page has.
  var cursors = {};
  if (window.htmx) {
    window.htmx.createEventSource = function (address) {
      var from = new URL(address, window.location.href);
      if (cursors[address]) from.searchParams.set("after", cursors[address]);
      return new EventSource(from.href, { withCredentials: true });
    };
  }

  document.addEventListener("htmx:sseMessage", function (event) {
    localTimes(event.target);
    var panel = event.target.closest && event.target.closest("[data-log]");
    if (!panel) return;
    if (panel.dataset.cursor !== undefined && event.detail.lastEventId) {
      cursors[panel.getAttribute("sse-connect")] = event.detail.lastEventId;
    }
    var empty = panel.querySelector(".log-empty");
    if (empty && panel.querySelector("li")) empty.remove();
    var box = followBox(panel);
    if (!box || box.checked) {
      trim(panel);
      toEnd(panel);
    }
  });

  // A list that is filtered as one types keeps its filter in the address.
  document.addEventListener("htmx:afterRequest", function (event) {
    var form = event.target;
    if (!form.matches("form[data-address]") || !event.detail.successful) return;
    var query = new URLSearchParams(new FormData(form));
    Array.from(query.keys()).forEach(function (key) {
      if (!query.get(key)) query.delete(key);
    });
    window.history.replaceState(null, "", form.getAttribute("action") + (query.size ? "?" + query : ""));
  });

  // Uploads: drop a file, see it go up, and keep it when the form comes back.
  function size(bytes) {
    var units = ["B", "kB", "MB", "GB"];
    var unit = 0;
    while (bytes >= 1024 && unit < units.length - 1) {
      bytes /= 1024;
      unit++;
    }
    return (bytes < 10 && unit > 0 ? bytes.toFixed(1) : Math.round(bytes)) + " " + units[unit];
  }

  // The files of a field, in words.
  function filesText(files) {
    var bytes = 0;
    Array.prototype.forEach.call(files, function (file) { bytes += file.size; });
    if (!files.length) return "";
    return (files.length === 1 ? files[0].name : files.length + " files") + " (" + size(bytes) + ")";
  }

  // What a form is going to send: what was dropped, else what its fields hold.
  function filesOf(form) {
    if (form.dropped) return form.dropped.map(function (one) { return one.file; });
    var files = [];
    form.querySelectorAll('input[type="file"]').forEach(function (input) {
      files.push.apply(files, input.files);
    });
    return files;
  }

  var mostFiles = 10000;

  // What an app's folder holds and no build needs. A volume takes everything.
  var leftOut = [".git", "node_modules"];

  // Everything below what was dropped, with its path. Folders are read in parts.
  function readEntries(entries, found, tell, without) {
    return entries.reduce(function (before, entry) {
      return before.then(function () { return readEntry(entry, found, tell, without); });
    }, Promise.resolve());
  }

  function readEntry(entry, found, tell, without) {
    if (found.length > mostFiles || without.indexOf(entry.name) >= 0) return Promise.resolve();
    if (entry.isFile) {
      return new Promise(function (resolve, reject) { entry.file(resolve, reject); }).then(function (file) {
        found.push({ file: file, path: entry.fullPath.replace(/^\//, "") });
        tell(found.length);
      });
    }
    var reader = entry.createReader();
    function more() {
      return new Promise(function (resolve, reject) { reader.readEntries(resolve, reject); }).then(function (part) {
        if (part.length) return readEntries(part, found, tell, without).then(more);
      });
    }
    return more();
  }

  // The entries of a drop that holds a folder; nothing where files alone were dropped.
  function droppedEntries(items) {
    var entries = Array.prototype.map.call(items || [], function (item) {
      return item.webkitGetAsEntry ? item.webkitGetAsEntry() : null;
    }).filter(Boolean);
    return entries.some(function (entry) { return entry.isDirectory; }) ? entries : [];
  }

  function takeFolders(form, entries) {
    var found = [];
    var chosen = form.querySelector("[data-chosen]");
    var any = form.querySelector("[data-any]");
    sendingButtons(form, true);
    readEntries(entries, found, function (count) { chosen.textContent = "Looking… " + count + " files"; }, any ? [] : leftOut).then(function () {
      if (any) form.dropped = found;
      else takeTar(form, entries[0].name, found);
      return "";
    }).catch(function (wrong) {
      form.dropped = null;
      return wrong.said || "The folder could not be read. Choose it, or drop it again.";
    }).then(function (wrong) {
      sendingButtons(form, false);
      if (wrong) failed(form, wrong);
      else took(form);
    });
  }

  // A folder that was chosen in place of an archive becomes one too.
  function takeChosenFolder(form, field) {
    var found = Array.prototype.map.call(field.files, function (file) {
      return { file: file, path: file.webkitRelativePath || file.name };
    }).filter(function (one) {
      return !one.path.split("/").some(function (part) { return leftOut.indexOf(part) >= 0; });
    });
    field.value = "";
    try {
      takeTar(form, found.length ? found[0].path.split("/")[0] : "", found);
    } catch (wrong) {
      return failed(form, wrong.said || "The folder could not be read. Choose it again.");
    }
    took(form);
  }

  // What was chosen is shown, and looked into at once where the page is for that.
  function took(form) {
    showFile(form);
    var input = form.querySelector('input[type="file"]');
    if (form.dataset.look !== undefined && input.files.length && input.validity.valid) form.requestSubmit();
  }

  // An app's folder becomes the archive of the form: a tar, which needs no library. The
  // browser reads the files when it sends them.
  function takeTar(form, name, found) {
    if (found.length > mostFiles) throw { said: "There are more than " + mostFiles + " files. Leave out what the build does not need, or send a .zip." };
    if (!found.length) throw { said: "The folder holds no files." };
    var parts = [];
    found.forEach(function (one) {
      parts.push(tarHeader(one.path, one.file), one.file, new Uint8Array((512 - one.file.size % 512) % 512));
    });
    parts.push(new Uint8Array(1024));
    var carrier = new DataTransfer();
    carrier.items.add(new File(parts, name + ".tar", { type: "application/x-tar" }));
    form.querySelector('input[type="file"]').files = carrier.files;
  }

  // The header of a file, after one with the whole path where that is too long for it.
  // Browsers tell of no permissions: every file may be executed, as in builds from Windows.
  function tarHeader(path, file) {
    var name = new TextEncoder().encode(path);
    var modified = Math.max(0, Math.floor(file.lastModified / 1000));
    var header = tarBlock(name, file.size, modified, "0");
    if (name.length <= 100) return header;
    var length = name.length + " path=\n".length;
    length += String(length + String(length).length).length;
    var record = new TextEncoder().encode(length + " path=" + path + "\n");
    return new Blob([
      tarBlock(new TextEncoder().encode("path"), record.length, modified, "x"),
      record, new Uint8Array((512 - record.length % 512) % 512), header
    ]);
  }

  function tarBlock(name, bytes, modified, kind) {
    var block = new Uint8Array(512);
    function put(at, text) {
      for (var i = 0; i < text.length; i++) block[at + i] = text.charCodeAt(i);
    }
    function octal(value, digits) { return value.toString(8).padStart(digits, "0"); }
    block.set(name.subarray(0, 100));
    put(100, "0000755");
    put(108, "0000000");
    put(116, "0000000");
    put(124, octal(bytes, 11));
    put(136, octal(modified, 11));
    put(148, "        ");
    put(156, kind);
    put(257, "ustar\0" + "00");
    put(148, octal(block.reduce(function (sum, byte) { return sum + byte; }, 0), 6) + "\0 ");
    return block;
  }

  function sendingButtons(form, on) {
    form.querySelectorAll("button").forEach(function (button) { button.disabled = on; });
  }

  function filesProblem(drop, files) {
    if (drop.dataset.any === undefined) return files.length ? fileProblem(drop, files[0]) : "";
    if (files.length > mostFiles) return "There are more than " + mostFiles + " files. Send them as a ZIP.";
    var bytes = 0;
    Array.prototype.forEach.call(files, function (file) { bytes += file.size; });
    if (bytes <= Number(drop.dataset.mostBytes)) return "";
    return "The files have " + size(bytes) + ", the most is " + size(Number(drop.dataset.mostBytes)) + ". Send fewer at once.";
  }

  var archiveEnd = /\.(zip|tar|tgz|txz|tzst|tar\.(gz|xz|zst))$/i;

  function fileProblem(drop, file) {
    if (!archiveEnd.test(file.name)) {
      return "This is not a .zip or .tar.gz file. Pack the folder and choose the archive, or drop the folder here.";
    }
    if (file.size > Number(drop.dataset.mostBytes)) {
      return "The archive has " + size(file.size) + ", the most is " + size(Number(drop.dataset.mostBytes)) +
        ". Leave out what the build does not need, such as .git, node_modules and test data.";
    }
    return "";
  }

  function showFile(form) {
    var problem = form.querySelector("[data-archive-problem]");
    var wrong = showChosen(form);
    form.querySelector("[data-drop]").classList.toggle("wrong", Boolean(wrong)); // the server may have found it so
    if (filesOf(form).length) {
      problem.textContent = wrong;
      problem.hidden = !wrong;
    }
  }

  // What was chosen, and whether it can be sent; returns what is wrong with it.
  function showChosen(form) {
    var drop = form.querySelector("[data-drop]");
    var files = filesOf(form);
    var wrong = filesProblem(drop, files);
    drop.classList.toggle("chosen", Boolean(files.length));
    drop.querySelector("[data-chosen]").textContent = filesText(files);
    form.querySelector('input[type="file"]').setCustomValidity(wrong);
    return wrong;
  }

  function setUpDrop(form) {
    var drop = form.querySelector("[data-drop]");
    var input = form.querySelector('input[type="file"]');
    form.querySelectorAll('input[type="file"]').forEach(function (field) {
      field.addEventListener("change", function () {
        form.dropped = null;
        if (field.dataset.folder === undefined) took(form);
        else if (field.files.length) takeChosenFolder(form, field);
      });
    });
    // It was chosen before this script ran, or was kept on the way back or after a refusal.
    showChosen(form);
    ["dragenter", "dragover"].forEach(function (name) {
      drop.addEventListener(name, function (event) {
        event.preventDefault();
        drop.classList.add("over");
      });
    });
    ["dragleave", "drop"].forEach(function (name) {
      drop.addEventListener(name, function (event) {
        event.preventDefault();
        drop.classList.remove("over");
      });
    });
    drop.addEventListener("drop", function (event) {
      var folders = droppedEntries(event.dataTransfer.items);
      if (folders.length) {
        takeFolders(form, folders);
        return;
      }
      if (!event.dataTransfer.files.length) return;
      form.dropped = null;
      input.files = event.dataTransfer.files;
      took(form);
    });
  }

  function sending(form, on) {
    form.classList.toggle("busy", on);
    form.querySelector("[data-sending]").hidden = !on;
    form.querySelectorAll("button").forEach(function (button) { button.disabled = on; });
  }

  function progress(form, text, percent) {
    var bar = form.querySelector("[data-sending] progress");
    if (percent === null) bar.removeAttribute("value");
    else bar.value = percent;
    form.querySelector("[data-sending-text]").textContent = text;
  }

  function failed(form, text) {
    var problem = form.querySelector("[data-archive-problem]");
    problem.textContent = text;
    problem.hidden = false;
    sending(form, false);
  }

  // What is never sent back stays in the browser: it is put into the form again.
  function keepTyped(fresh) {
    var typed = {};
    document.querySelectorAll("[data-typed]").forEach(function (field) { typed[field.name] = field.value; });
    fresh.querySelectorAll("[data-typed]").forEach(function (field) {
      if (typed[field.name] && !field.value) field.value = typed[field.name];
    });
  }

  // A strong value: 32 letters and digits, each as likely as the next.
  function randomValue() {
    var letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    var bytes = new Uint8Array(1);
    var value = "";
    while (value.length < 32) {
      window.crypto.getRandomValues(bytes);
      if (bytes[0] < 248) value += letters[bytes[0] % 62];
    }
    return value;
  }

  function setUpGenerator(button) {
    button.addEventListener("click", function () {
      document.getElementById(button.dataset.generate).value = randomValue();
    });
  }

  // The answer is the same page: take it over. Where it says what was wrong, put
  // the chosen files back too, which no page can carry.
  function showAnswer(form, html, wasStored) {
    var answer = new DOMParser().parseFromString(html, "text/html");
    var fresh = answer.getElementById("main");
    if (!fresh) return failed(form, "The answer could not be read. Load the page again.");
    var input = form.querySelector('input[type="file"]');
    var main = document.getElementById("main");
    document.title = answer.title;
    if (!wasStored) keepTyped(fresh);
    main.replaceWith(fresh);
    var place = fresh.querySelector('form[data-upload] input[type="file"]');
    if (place && input && !wasStored) {
      input.setAttribute("aria-describedby", place.getAttribute("aria-describedby") || "");
      place.replaceWith(input);
    }
    if (window.htmx) window.htmx.process(fresh);
    setUp(fresh);
    var wrong = fresh.querySelector("[aria-invalid], [role=alert], .field-problem:not([hidden])");
    if (wrong) {
      if (wrong.focus) wrong.focus();
      wrong.scrollIntoView({ block: "nearest" });
      return;
    }
    var arrival = fresh.querySelector("[data-arrival], [data-result]");
    if (arrival) {
      arrival.focus({ preventScroll: true });
      arrival.scrollIntoView({ block: "center" });
    }
  }

  // The upload arrived and its answer was lost: the app's page says what became of it.
  function lookForApp(form) {
    var name = form.elements.namedItem("name");
    var volume = form.querySelector("[data-any]");
    if (form.elements.namedItem("check") && !name) return failed(form, "The answer was lost. Send it again.");
    if (volume) return failed(form, "The answer was lost. Load the page again to see what was stored.");
    var page = name ? "/admin/apps/" + encodeURIComponent(name.value) : window.location.pathname;
    progress(form, "Sent, but the answer was lost. Looking for the app…", null);
    window.setTimeout(function () {
      fetch(page).then(function (answer) {
        if (answer.ok) window.location.assign(page);
        else failed(form, "The answer was lost, and there is no such app. Send it again.");
      }, function () {
        failed(form, "The connection is lost. See the dashboard before you send it again.");
      });
    }, 1000);
  }

  function setUpUpload(form) {
    if (form.querySelector("[data-drop]")) setUpDrop(form);
    form.addEventListener("submit", function (event) {
      event.preventDefault();
      var request = new XMLHttpRequest();
      var began = Date.now();
      request.open("POST", form.action);
      request.setRequestHeader("Accept", "text/html");
      request.upload.addEventListener("progress", function (moment) {
        if (!moment.lengthComputable) return progress(form, size(moment.loaded) + " sent", null);
        var seconds = Math.max(0.1, (Date.now() - began) / 1000);
        var text = size(moment.loaded) + " of " + size(moment.total) + " sent, " + size(moment.loaded / seconds) + "/s";
        progress(form, text, 100 * moment.loaded / moment.total);
      });
      var sent = false;
      request.upload.addEventListener("load", function () {
        sent = true;
        progress(form, form.querySelector("[data-any]") ? "Sent. Storing…" : "Sent. Looking into the archive…", null);
      });
      request.addEventListener("load", function () {
        // A 303 was followed already: its page is the one to go to. The page that is
        // shown already is not loaded for a new fragment, and its notice was said
        // in this answer: it is taken over.
        var target = new URL(request.responseURL || form.action);
        var stored = request.status === 200 && target.pathname !== new URL(form.action).pathname;
        var here = target.pathname + target.search === window.location.pathname + window.location.search;
        if (stored && !here) {
          window.location.assign(target.href + (target.hash || "#main"));
          return;
        }
        sending(form, false);
        showAnswer(form, request.responseText, stored);
      });
      request.addEventListener("error", function () {
        if (sent) lookForApp(form);
        else failed(form, "The connection broke before the upload was complete. Send it again.");
      });
      // The token field stands before the file, and FormData keeps the order.
      var data = new FormData(form);
      if (event.submitter && event.submitter.name) data.append(event.submitter.name, event.submitter.value);
      if (form.dropped) {
        data.delete("file");
        form.dropped.forEach(function (one) { data.append("file", one.file, one.path); });
      }
      sending(form, true);
      progress(form, "Sending…", 0);
      request.send(data);
    });
  }

  // A button that was pressed is not pressed twice.
  document.addEventListener("submit", function (event) {
    var form = event.target;
    if (event.defaultPrevented || form.matches("[data-upload]")) return;
    if (form.dataset.sent) {
      event.preventDefault();
      return;
    }
    form.dataset.sent = "yes";
    form.classList.add("busy");
  });
  window.addEventListener("pageshow", function () {
    document.querySelectorAll("form[data-sent]").forEach(function (form) {
      delete form.dataset.sent;
      form.classList.remove("busy");
    });
  });

  // A chart says the values of the place that is pointed at, on a touch screen too.
  document.addEventListener("pointermove", showValue);
  document.addEventListener("pointerdown", showValue);
  function showValue(event) {
    var chart = event.target.closest("[data-chart]");
    var title = event.target.closest(".slices rect, .mark") && event.target.querySelector("title");
    if (chart && title) chart.querySelector("[data-chart-value]").textContent = title.textContent;
  }

  // The lines of a log: wrapped or not.
  document.addEventListener("change", function (event) {
    var panel = document.getElementById(event.target.dataset.wrap || "");
    if (panel) panel.classList.toggle("unwrapped", !event.target.checked);
  });

  // Older lines come before those that are read, which stay where they are.
  document.addEventListener("htmx:beforeSwap", function (event) {
    var panel = event.detail.target.closest && event.detail.target.closest(".older") && event.detail.target.closest("[data-log]");
    if (!panel) return;
    var below = panel.scrollHeight - panel.scrollTop;
    panel.addEventListener("htmx:afterSettle", function () {
      localTimes(panel);
      panel.scrollTop = panel.scrollHeight - below;
    }, { once: true });
  });

  function setUp(root) {
    localTimes(root);
    root.querySelectorAll("[data-log]").forEach(setUpPanel);
    root.querySelectorAll("form[data-upload]").forEach(setUpUpload);
    root.querySelectorAll("[data-generate]").forEach(setUpGenerator);
  }
  setUp(document);

  // What the last form came to is seen and heard at once, wherever it stands: a
  // secret first, then what is wrong with a field, then a sentence above all.
  function showResult() {
    var result = document.querySelector("[data-once] [autofocus], [data-once][tabindex]") || document.querySelector("main [aria-invalid]") || document.querySelector("[data-result]");
    if (!result) return;
    result.focus({ preventScroll: true });
    result.scrollIntoView({ block: "center" });
  }
  showResult();
  // A fragment in the address moves the page once more when it has loaded.
  window.addEventListener("load", showResult);

  // An address from when an app had one page leads to the tab that has its section now.
  var moved = location.hash.length > 1 && document.getElementById(location.hash.slice(1));
  if (moved && moved.matches(".tabs a:not([aria-current])")) window.location.replace(moved.href);

  // A page that lost its stream says so.
  var lost = null;
  function sayLost() {
    if (lost) return;
    lost = document.createElement("p");
    lost.className = "notice warn";
    lost.setAttribute("role", "alert");
    var again = document.createElement("a");
    again.href = window.location.pathname + window.location.search;
    again.textContent = "Reload";
    var text = document.createElement("span"); // a notice lays its parts out side by side
    text.append("Live updates stopped. ", again, ".");
    lost.append(text);
    document.getElementById("main").prepend(lost);
  }
  var losing = 0;
  document.addEventListener("htmx:sseError", function () {
    if (!losing) losing = window.setTimeout(sayLost, 3000);
  });
  document.addEventListener("htmx:sseOpen", function () {
    window.clearTimeout(losing);
    losing = 0;
    if (lost) lost.remove();
    lost = null;
  });
})();

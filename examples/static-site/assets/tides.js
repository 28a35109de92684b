"use strict";

// The page shows today without a script; with one, the week after the given time.
const BETWEEN = 12 * 60 + 25; // minutes from one high tide to the next
const days = ["Today", "Tomorrow", "In 2 days", "In 3 days", "In 4 days", "In 5 days", "In 6 days"];
const field = document.getElementById("high");

const clock = (minutes) => {
  const ofDay = ((minutes % 1440) + 1440) % 1440;
  return `${String(Math.floor(ofDay / 60)).padStart(2, "0")}:${String(ofDay % 60).padStart(2, "0")}`;
};

const show = () => {
  const [hours, minutes] = field.value.split(":").map(Number);
  if (!Number.isInteger(hours) || !Number.isInteger(minutes)) {
    return;
  }
  const rows = days.map((day, i) => {
    const first = hours * 60 + minutes + 2 * BETWEEN * i;
    const row = document.createElement("tr");
    for (const text of [day, clock(first), clock(first + BETWEEN)]) {
      row.appendChild(document.createElement("td")).textContent = text;
    }
    return row;
  });
  document.getElementById("tides").replaceChildren(...rows);
};

field.addEventListener("input", show);
show();

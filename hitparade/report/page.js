"use strict";

const config = { responsive: true, displayModeBar: false, doubleClick: false, showTips: false };
for (const { id, data, layout } of JSON.parse(document.getElementById("figures").textContent)) {
  Plotly.newPlot(id, data, layout, config);
}

// Sort a table by the column whose heading is pressed: numbers in descending order first, names in ascending order.
function compare(a, b) {
  if (a === "" || b === "") return (a === "") - (b === "");
  return isNaN(a) || isNaN(b) ? a.localeCompare(b) : a - b;
}

for (const head of document.querySelectorAll("th")) {
  head.querySelector("button").addEventListener("click", () => {
    const down = { ascending: true, descending: false }[head.ariaSort] ?? head.matches(".number");
    for (const other of head.parentElement.children) other.removeAttribute("aria-sort");
    head.setAttribute("aria-sort", down ? "descending" : "ascending");
    const body = head.closest("table").tBodies[0];
    const value = (row) => row.cells[head.cellIndex].dataset.value;
    const order = (a, b) => {
      const absent = value(a) === "" || value(b) === "";
      return compare(value(a), value(b)) * (down && !absent ? -1 : 1);
    };
    body.append(...[...body.rows].sort(order));
  });
}

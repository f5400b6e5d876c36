"use strict";
// Sorts tables by a click on a heading; without it they stand in their written order.
for (const table of document.querySelectorAll("table[data-sorts]")) {
  const heads = [...table.tHead.rows[0].cells], body = table.tBodies[0];
  const key = (row, at) => row.cells[at].dataset.value ?? row.cells[at].textContent.trim();
  heads.forEach((head, at) => {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = head.textContent;
    head.replaceChildren(button);
    button.addEventListener("click", () => {
      const down = head.getAttribute("aria-sort") === "ascending";
      heads.forEach(other => other.removeAttribute("aria-sort"));
      head.setAttribute("aria-sort", down ? "descending" : "ascending");
      const number = head.classList.contains("n"), sign = down ? -1 : 1;
      const rows = [...body.rows].sort((a, b) => {
        const x = key(a, at), y = key(b, at);
        if (x === "" || y === "") return (x === "") - (y === "");  // what has no figure is last either way
        return sign * (number ? x - y : x.localeCompare(y));
      });
      body.append(...rows);
    });
  });
}
// A cell of the matrix leads to its photos: they are opened, and the keyboard goes with it.
const open = () => {
  const place = location.hash.length > 1 && document.getElementById(decodeURIComponent(location.hash.slice(1)));
  const holder = place && place.closest("details");
  if (!holder) return;
  holder.open = true;
  holder.querySelector("summary").focus({preventScroll: true});
  holder.scrollIntoView({block: "start"});
};
addEventListener("hashchange", open);
open();
// On paper nothing can be opened.
let closed = [];
addEventListener("beforeprint", () => {
  closed = [...document.querySelectorAll("details:not([open])")];
  closed.forEach(one => { one.open = true; });
});
addEventListener("afterprint", () => closed.forEach(one => { one.open = false; }));

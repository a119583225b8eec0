"use strict";
// Sorts and filters the tables, and says what the marked place on the sensor is. The page is
// readable without it. It asks for nothing and keeps nothing.

const HINT = "Point at a mark, or go from one to the next with the arrow keys, to read what it is.";

for (const body of document.querySelectorAll(".body")) {
  const table = body.querySelector("table.defects");
  if (!table) continue;
  const rows = [...table.tBodies[0].rows];
  const marks = [...body.querySelectorAll(".map .mark")].sort(
    (a, b) => a.dataset.row - b.dataset.row);
  const parts = rows.map((row, n) => ({
    row, mark: marks[n], article: document.getElementById(row.id.replace("r", "d")),
  }));
  sortable(table, rows);
  if (body.querySelector(".filters")) filterable(body, table, parts);
  explorable(body, parts);
}
document.body.dataset.ready = "";

function sortable(table, rows) {
  const heads = [...table.tHead.rows[0].cells];
  heads.forEach((head, column) => {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = head.textContent;
    head.replaceChildren(button);
    head.setAttribute("aria-sort", "none");
    button.addEventListener("click", () => {
      const down = head.getAttribute("aria-sort") === "ascending";
      for (const other of heads) other.setAttribute("aria-sort", "none");
      head.setAttribute("aria-sort", down ? "descending" : "ascending");
      const numbers = head.classList.contains("n");
      const key = row => row.cells[column].dataset.value;
      const sorted = [...rows].sort((a, b) => {
        const [one, other] = [key(a), key(b)];
        if (one === undefined || other === undefined)  // the unknown come last, both ways
          return (one === undefined) - (other === undefined);
        const order = numbers ? one - other : one.localeCompare(other, "en", { numeric: true });
        return down ? -order : order;
      });
      table.tBodies[0].append(...sorted);
    });
  });
}

function filterable(body, table, parts) {
  const form = body.querySelector(".filters");
  const shown = table.querySelector(".shown");
  form.hidden = false;
  const column = name => [...table.tHead.rows[0].cells].findIndex(
    head => head.textContent === name);
  const [kind, state, score] = ["kind", "state", "score"].map(column);
  const apply = () => {
    const { elements } = form;
    const text = elements.text.value.trim().toLowerCase();
    const least = Number(elements.score.value) || -Infinity;
    let count = 0;
    for (const { row, mark, article } of parts) {
      const value = at => row.cells[at].dataset.value;
      const wanted = (!elements.kind.value || value(kind) === elements.kind.value)
        && (!elements.state.value || value(state) === elements.state.value)
        && Number(value(score)) >= least
        && row.textContent.toLowerCase().includes(text);
      row.hidden = !wanted;
      mark.classList.toggle("away", !wanted);
      if (article) article.hidden = !wanted;
      count += wanted;
    }
    shown.textContent = count === parts.length ? "" : `${count} of ${parts.length} shown`;
  };
  form.addEventListener("input", apply);
  form.addEventListener("submit", event => event.preventDefault());
  form.addEventListener("reset", () => setTimeout(apply));
}

function explorable(body, parts) {
  const readout = body.querySelector(".readout");
  const say = part => {
    for (const each of parts) {
      each.mark.classList.toggle("near", each === part);
      each.row.classList.toggle("near", each === part);
    }
    readout.textContent = part ? part.mark.querySelector("title").textContent : HINT;
  };
  say(null);
  let entry = 0;  // one stop of the Tab key for the whole picture; arrow keys go on within it
  const enter = at => {
    parts[entry].mark.setAttribute("tabindex", "-1");
    entry = at;
    parts[entry].mark.setAttribute("tabindex", "0");
  };
  parts.forEach((part, at) => {
    part.mark.setAttribute("tabindex", at === entry ? "0" : "-1");
    part.mark.addEventListener("pointerenter", () => say(part));
    part.mark.addEventListener("pointerleave", () => say(null));
    part.mark.addEventListener("focus", () => { enter(at); say(part); });
    part.mark.addEventListener("blur", () => say(null));
    part.mark.addEventListener("keydown", event => {
      const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
      if (!step) return;
      event.preventDefault();
      let next = at;
      do next = (next + step + parts.length) % parts.length;
      while (parts[next].mark.classList.contains("away") && next !== at);
      parts[next].mark.focus();
    });
    part.row.addEventListener("pointerenter", () => say(part));
    part.row.addEventListener("pointerleave", () => say(null));
    part.row.addEventListener("focusin", () => say(part));
    part.row.addEventListener("focusout", () => say(null));
  });
}

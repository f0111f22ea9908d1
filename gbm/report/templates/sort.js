// A click on a column's name sorts the patients by it; a second click turns the order around.
(() => {
  "use strict";
  for (const button of document.querySelectorAll("th button")) {
    button.addEventListener("click", () => {
      const head = button.closest("th"), table = head.closest("table"), body = table.tBodies[0];
      const column = Number(button.value), up = head.getAttribute("aria-sort") !== "ascending";
      const key = (row) => row.cells[column].dataset.value;
      const numeric = button.dataset.kind === "number";
      const order = (a, b) => {
        if (key(a) === "" || key(b) === "") return (key(a) === "") - (key(b) === "");  // unknown last
        const found = numeric ? Number(key(a)) - Number(key(b)) : key(a).localeCompare(key(b));
        return up ? found : -found;
      };
      body.append(...[...body.rows].sort(order));
      for (const other of table.querySelectorAll("th[aria-sort]")) other.removeAttribute("aria-sort");
      head.setAttribute("aria-sort", up ? "ascending" : "descending");
    });
  }
})();

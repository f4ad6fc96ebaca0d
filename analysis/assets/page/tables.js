// ---- tables that sort ------------------------------------------------------------------------------
function compare(a, b) {
  if (a === null || a === "") return 1;
  if (b === null || b === "") return -1;
  return typeof a === "number" && typeof b === "number" ? a - b : String(a).localeCompare(String(b));
}

function sortable(table) {
  $$("th button", table).forEach((button) => button.addEventListener("click", () => {
    const head = button.closest("th");
    const falling = head.getAttribute("aria-sort") === "ascending";
    $$("th", table).forEach((th) => th.removeAttribute("aria-sort"));
    head.setAttribute("aria-sort", falling ? "descending" : "ascending");
    const column = head.cellIndex;
    const value = (row) => {
      const text = row.cells[column].dataset.value ?? row.cells[column].textContent;
      return text !== "" && !Number.isNaN(Number(text)) ? Number(text) : text;
    };
    const body = table.tBodies[0];
    body.append(...[...body.rows].sort((a, b) => compare(value(a), value(b)) * (falling ? -1 : 1)));
  }));
}
$$("table.sortable").forEach(sortable);

// ---- every trial: searched, sorted and paged in memory, so that 10,000 stay quick ----------------------
function trialTable(root) {
  const { columns, rows } = DATA.trials;
  const screen = 20, paper = 500; // rows at a time
  let shown = rows, page = 0, order = null, size = screen;
  const body = $("tbody", root), status = $(".pager span", root);
  const [back, on] = $$(".pager button", root);
  const haystack = rows.map((row) => row.join(" ").toLowerCase());
  function render() {
    const start = page * size;
    body.replaceChildren(...shown.slice(start, start + size).map((row) => {
      const tr = document.createElement("tr");
      row.forEach((value, i) => {
        const td = document.createElement("td");
        td.className = columns[i].class;
        if (columns[i].key === "status") {
          const dot = document.createElement("span");
          dot.className = `dot ${value}`;
          td.append(dot, DATA.trials.words[value] || value);
        } else td.append(value === null ? "–" : columns[i].digits != null ? value.toFixed(columns[i].digits) : String(value));
        tr.append(td);
      });
      return tr;
    }));
    status.textContent = shown.length ? `${start + 1}–${Math.min(start + size, shown.length)} of ${shown.length} trials` : "no trial matches";
    const left = shown.length - size;
    $(".printed", root).textContent = size === paper && left > 0
      ? `The first ${size} of ${shown.length} trials; results.csv and the page itself have the other ${left}.` : "";
    back.disabled = page === 0;
    on.disabled = start + size >= shown.length;
  }
  function update() {
    const words = $("input", root).value.toLowerCase().split(/\s+/).filter(Boolean);
    shown = rows.filter((_, i) => words.every((word) => haystack[i].includes(word)));
    if (order) shown = [...shown].sort((a, b) => compare(a[order.column], b[order.column]) * order.sign);
    page = 0;
    render();
  }
  $("input", root).addEventListener("input", update);
  function sized(rowsAtATime, first) { size = rowsAtATime; page = first; render(); }
  let stood = 0;
  addEventListener("beforeprint", () => { stood = page; sized(paper, 0); });
  addEventListener("afterprint", () => sized(screen, stood));
  back.addEventListener("click", () => { page -= 1; render(); });
  on.addEventListener("click", () => { page += 1; render(); });
  $$("th button", root).forEach((button) => button.addEventListener("click", () => {
    const head = button.closest("th"), column = head.cellIndex;
    const sign = order && order.column === column ? -order.sign : 1;
    order = { column, sign };
    $$("th", root).forEach((th) => th.removeAttribute("aria-sort"));
    head.setAttribute("aria-sort", sign > 0 ? "ascending" : "descending");
    update();
  }));
  render();
}
const trialRoot = $("#trials-table");
if (trialRoot) trialTable(trialRoot);


"use strict";
// Everything the page knows is in #data, made by analysis/report.py; this file only shows and hides it.
// Text from the data reaches the page through textContent alone, never through innerHTML.
const DATA = JSON.parse(document.getElementById("data").textContent);
const CONFIG = { displaylogo: false, responsive: true, displayModeBar: false };
// The figures' colours and their lighter twins for a dark page.
const DARK = new Map(Object.entries(DATA.dark));
const channels = (hex) => [1, 3, 5].map((i) => parseInt(hex.slice(i, i + 2), 16)).join();
const DARK_TINTS = new Map([...DARK].map(([light, dark]) => [channels(light), channels(dark)]));
const darkMedia = matchMedia("(prefers-color-scheme: dark)");
let printing = false;

const $ = (selector, root = document) => root.querySelector(selector);
const $$ = (selector, root = document) => [...root.querySelectorAll(selector)];

function isDark() {
  if (printing) return false;
  const chosen = document.documentElement.dataset.theme;
  return chosen ? chosen === "dark" : darkMedia.matches;
}

function darkened(colour) {
  const tint = /^rgba\((\d+,\d+,\d+),(.+)\)$/.exec(colour);
  if (tint && DARK_TINTS.has(tint[1])) return `rgba(${DARK_TINTS.get(tint[1])},${tint[2]})`;
  return DARK.get(colour) ?? colour;
}

// A copy that plotly may write into, its colours dark where the page is.
function themed(value, key = "") {
  if (Array.isArray(value)) return value.map((item) => themed(item, key));
  if (value !== null && typeof value === "object") {
    return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, themed(item, name)]));
  }
  return isDark() && key.endsWith("color") && typeof value === "string" ? darkened(value) : value;
}

// ---- figures: a name in data-figure, drawn when it comes near the screen --------------------------
const drawers = {
  fig1(node) {
    const panel = DATA.panels[node.dataset.panel];
    const { quantity, measure, kind, published, precise } = switches();
    const lines = panel.layers[`interval|${quantity}|${measure}|${kind}`] || [];
    const traces = [
      ...(panel.layers[`published|${quantity}`] || []).map((t) => ({ ...t, visible: refers(panel, t, published), showlegend: false })),
      ...lines.filter((t) => t.meta.role === "band"),
      ...(panel.layers[`seed|${quantity}|${measure}`] || []),
      ...((precise && panel.layers[`precise|${quantity}`]) || []),
      ...lines.filter((t) => t.meta.role === "mean"),
    ];
    const layout = { ...panel.layouts[`${quantity}|${measure}`], ...shared(panel, quantity, measure, published, precise) };
    if (!lines.length) {
      const text = "No value of this kind was recorded here";
      layout.annotations = [{ text, showarrow: false, xref: "paper", yref: "paper", x: 0.5, y: 0.5 }];
    }
    return { data: traces, layout };
  },
  curves(node) {
    const { curves } = DATA.panels[node.dataset.panel];
    const chosen = curves.find((c) => c.x === node.dataset.x) || curves.at(-1);
    const line = node.dataset.line;
    return { data: chosen.data.filter((t) => !line || t.meta.line === line), layout: chosen.layout };
  },
  plain(node) { return DATA.figures[node.dataset.key]; },
};

function draw(node) {
  const figure = drawers[node.dataset.figure](node);
  if (!figure) return;
  const { data, layout } = themed({ data: figure.data, layout: figure.layout });
  if (innerWidth < 500) { layout.margin = { ...layout.margin, l: 44, r: 8 }; }
  if (printing) Object.assign(layout, { width: PAPER, height: node.offsetHeight });
  node.dataset.drawn = "1";
  Plotly.react(node, data, layout, CONFIG).then(() => {
    if (node.dataset.figure === "fig1" && !node.dataset.clicks) {
      node.dataset.clicks = "1";
      node.on("plotly_click", (event) => pick(node.dataset.panel, event.points[0]));
    }
  });
}

function redraw(name) {
  for (const node of $$(`.plot${name ? `[data-figure=${name}]` : ""}`)) if (node.dataset.drawn) draw(node);
}

function drawWhenSeen() {
  const watcher = new IntersectionObserver((entries) => {
    for (const entry of entries) if (entry.isIntersecting) { watcher.unobserve(entry.target); draw(entry.target); }
  }, { rootMargin: "400px" });
  $$(".plot").forEach((node) => watcher.observe(node));
}

// A published line that some panel is about is shown there, and where a source does not say what it is.
function refers(panel, trace, published) {
  const mine = (p) => (p.layers["published|error"] || []).some((t) => t.meta.group === trace.meta.group && t.visible);
  return published.has(trace.meta.group) && (mine(panel) || panel.dataset === null || !DATA.panels.some(mine));
}

// Figures side by side share one scale, or the eye compares the wrong things; but not those of two data sets.
function shared(own, quantity, measure, published, precise) {
  if (new Set(DATA.panels.map((p) => p.dataset).filter((d) => d !== null)).size > 1 || DATA.panels.length < 2) return {};
  let low = Infinity, high = -Infinity;
  for (const panel of DATA.panels) {
    const { layers } = panel;
    const traces = [...(layers[`seed|${quantity}|${measure}`] || []),
      ...(layers[`published|${quantity}`] || []).filter((t) => refers(panel, t, published)),
      ...((precise && layers[`precise|${quantity}`]) || [])];
    for (const trace of traces) for (const y of trace.y) { low = Math.min(low, y); high = Math.max(high, y); }
  }
  if (!(low < high)) return {};
  const pad = 0.06 * (high - low);
  return { yaxis: { ...own.layouts[`${quantity}|${measure}`].yaxis, range: [low - pad, high + pad] } };
}

// ---- switches of Figure 1 --------------------------------------------------------------------------
function switches() {
  const value = (name, fallback) => $(`input[name=${name}]:checked`)?.value ?? $(`select[name=${name}]`)?.value ?? fallback;
  return {
    quantity: value("quantity", "error"), measure: value("measure", DATA.measure), kind: value("kind", "t"),
    published: new Set($$("input[name=published]:checked").map((box) => box.value)),
    precise: $("input[name=precise]:checked") !== null,
  };
}

function curvesOf(panel) { return $(`.plot[data-figure=curves][data-panel="${CSS.escape(panel)}"]`); }

function pick(panel, point) {
  const { role, line } = point.data.meta || {};
  const node = curvesOf(panel);
  if (!node || (role !== "mean" && role !== "seed")) return;
  $(`select[data-curves="${CSS.escape(panel)}"]`).value = role === "seed" ? point.customdata[1] : point.data.meta.x[point.pointNumber];
  $(`select[data-lines="${CSS.escape(panel)}"]`).value = line;
  showCurves(panel);
  node.closest("figure").scrollIntoView({ block: "center" });
  $("#curves-title").focus({ preventScroll: true });
}

function showCurves(panel) {
  const node = curvesOf(panel);
  node.dataset.x = $(`select[data-curves="${CSS.escape(panel)}"]`).value;
  node.dataset.line = $(`select[data-lines="${CSS.escape(panel)}"]`).value;
  draw(node);
}

// What a measure of error changes is in the page once for each; that of the chosen one is shown.
function showMeasure() {
  const { measure } = switches();
  for (const part of $$("[data-under]")) part.hidden = part.dataset.under !== measure;
}

// Of many panels, those are shown that have the values chosen of the axes in which they differ.
function showPanels() {
  const chosen = $$("select[data-axis]").filter((s) => s.value !== "");
  if (!$("select[data-axis]")) return;
  const shown = (panel) => chosen.every((s) => DATA.panels[panel].axes[s.dataset.axis] === s.value);
  for (const part of $$("[data-of]")) part.hidden = !shown(part.dataset.of);
}
for (const select of $$("select[data-axis]")) select.addEventListener("change", () => { showPanels(); redraw(); });
showPanels();

for (const input of $$("#figure1 .controls [name]")) input.addEventListener("change", () => { showMeasure(); redraw("fig1"); });
for (const select of $$("select[data-curves]")) select.addEventListener("change", () => showCurves(select.dataset.curves));
for (const select of $$("select[data-lines]")) select.addEventListener("change", () => showCurves(select.dataset.lines));

// ---- how many seeds? -------------------------------------------------------------------------------
function seedsNeeded(box) {
  const key = box.dataset.calculator, chosen = (what) => $(`select[data-seeds=${what}]`, box).value;
  const count = (n) => (n === null ? "more than 1,000" : String(n));
  const show = ([n, low, high]) => count(n) + (low === high ? "" : ` (${count(low)} to ${count(high)})`);
  $$(`table[data-seeds="${CSS.escape(key)}"] tbody tr`).forEach((row, i) => {
    const { half, power } = DATA.seeds[key][i];
    $("[data-out=half]", row).textContent = show(half[chosen("half")]);
    $("[data-out=power]", row).textContent = show(power[`${chosen("power")}|${chosen("effect")}`]);
  });
}
$$("[data-calculator]").forEach((box) => {
  seedsNeeded(box);
  box.addEventListener("change", () => seedsNeeded(box));
});

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
  const size = 20;
  let shown = rows, page = 0, order = null;
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

// ---- copying ---------------------------------------------------------------------------------------
$$("button[data-copy]").forEach((button) => button.addEventListener("click", async () => {
  const text = DATA.copies[switches().measure][button.dataset.copy];
  try { await navigator.clipboard.writeText(text); } catch { // a page from a disk may not use the clipboard
    const area = document.createElement("textarea");
    area.value = text;
    document.body.append(area);
    area.select();
    document.execCommand("copy");
    area.remove();
  }
  const before = button.textContent;
  button.textContent = "Copied";
  setTimeout(() => { button.textContent = before; }, 1500);
}));

// ---- theme, print ----------------------------------------------------------------------------------
$("#theme")?.addEventListener("click", () => {
  document.documentElement.dataset.theme = isDark() ? "light" : "dark";
  redraw();
  keep();
});
darkMedia.addEventListener("change", () => redraw());
// On paper every figure is drawn, light, and as wide as the paper and not as the screen.
const PAPER = 680;
const isShown = (node) => node.closest("[hidden]") === null;
addEventListener("beforeprint", () => {
  printing = true;
  for (const node of $$(".plot").filter(isShown)) {
    node.dataset.height = node.style.height;
    Object.assign(node.style, { width: `${PAPER}px`, height: `${node.offsetHeight}px` });
    draw(node);
  }
});
addEventListener("afterprint", () => {
  printing = false;
  for (const node of $$(".plot").filter(isShown)) {
    Object.assign(node.style, { width: "", height: node.dataset.height });
    draw(node);
  }
});

// ---- a running sweep: load the file again, and keep what the reader chose ------------------------------
const KEPT = `normsweep ${location.pathname}`;
function choices() { return $$(".controls input, .controls select"); }
function keep() {
  const state = choices().map((c) => (c.type === "checkbox" || c.type === "radio" ? c.checked : c.value));
  try {
    sessionStorage.setItem(KEPT, JSON.stringify({ state, theme: document.documentElement.dataset.theme, y: scrollY }));
  } catch { /* a browser may refuse storage to a page from a disk */ }
}
function restore() {
  let kept = null;
  try { kept = JSON.parse(sessionStorage.getItem(KEPT)); } catch { return; }
  if (!kept) return;
  if (kept.theme) document.documentElement.dataset.theme = kept.theme;
  const boxes = choices();
  if (boxes.length !== kept.state.length) return;
  boxes.forEach((c, i) => {
    if (typeof kept.state[i] === "boolean") c.checked = kept.state[i];
    else if (c.tagName !== "SELECT" || [...c.options].some((o) => o.value === kept.state[i])) c.value = kept.state[i];
  });
  $$("select[data-curves]").forEach((s) => {
    const node = curvesOf(s.dataset.curves);
    node.dataset.x = s.value;
    node.dataset.line = $(`select[data-lines="${CSS.escape(s.dataset.curves)}"]`).value;
  });
  $$("[data-calculator]").forEach(seedsNeeded);
  showMeasure();
  showPanels();
  scrollTo({ top: kept.y, behavior: "instant" });
}
if (DATA.live) {
  restore();
  if (trialRoot) $("input", trialRoot).dispatchEvent(new Event("input"));
  const badge = $("#live");
  const age = Math.round((Date.now() / 1000 - DATA.generated) / 60);
  const at = new Date(DATA.generated * 1000).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });
  badge.textContent = age < 3 ? `Live, as of ${at}` : `As of ${at}, ${age} min ago: the run may have stopped`;
  badge.classList.toggle("stale", age >= 3);
  setTimeout(() => { keep(); location.reload(); }, 30000);
}
drawWhenSeen();

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
  state();
  node.closest("figure").scrollIntoView({ block: "center" });
  $("#curves-title").focus({ preventScroll: true });
}

function chooseCurves(panel) {
  const node = curvesOf(panel);
  node.dataset.x = $(`select[data-curves="${CSS.escape(panel)}"]`).value;
  node.dataset.line = $(`select[data-lines="${CSS.escape(panel)}"]`).value;
  node.dataset.scale = $(`select[data-scale="${CSS.escape(panel)}"]`).value;
  return node;
}

function showCurves(panel) { draw(chooseCurves(panel)); }

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

for (const input of $$("#figure1 .controls [name]")) input.addEventListener("change", () => { showMeasure(); redraw("fig1"); });
for (const select of $$("select[data-curves]")) select.addEventListener("change", () => showCurves(select.dataset.curves));
for (const select of $$("select[data-lines]")) select.addEventListener("change", () => showCurves(select.dataset.lines));
for (const select of $$("select[data-scale]")) select.addEventListener("change", () => showCurves(select.dataset.scale));

// ---- how many seeds? -------------------------------------------------------------------------------
function seedsNeeded(box) {
  const key = box.dataset.calculator, chosen = (what) => $(`select[data-seeds=${what}]`, box).value;
  const count = (n) => (n === null ? "over 1,000" : String(n));
  const show = ([n, low, high]) => count(n) + (low === high ? "" : ` (${count(low)} to ${count(high)})`);
  $$(`table[data-seeds="${CSS.escape(key)}"] tbody tr`).forEach((row, i) => {
    const { half, power } = DATA.seeds[key][i];
    $("[data-out=half]", row).textContent = show(half[chosen("half")]);
    $("[data-out=power]", row).textContent = show(power[`${chosen("power")}|${chosen("effect")}`]);
  });
}
$$("[data-calculator]").forEach((box) => box.addEventListener("change", () => seedsNeeded(box)));


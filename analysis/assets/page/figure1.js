// ---- Figure 1: its lines, published ones beside them, the pair of a seed ---------------------------------
const FAINT_TEXT = { size: 11, color: "#667085" };

// A published line that some panel is about is shown there, and where a source does not say what it is.
function refers(panel, trace, published) {
  const mine = (p) => (p.layers["published|error"] || []).some((t) => t.meta.group === trace.meta.group && t.visible);
  return published.has(trace.meta.group) && (mine(panel) || panel.dataset === null || !DATA.panels.some(mine));
}

const publishedIn = (panel, { quantity, published }) => (panel.layers[`published|${quantity}`] || []).filter((t) => refers(panel, t, published));

// What a panel's scale has to hold: its own range, and the published and precise lines that are shown.
function held(panel, shown) {
  const { quantity, measure, precise } = shown;
  const lines = [...publishedIn(panel, shown).filter((t) => t.meta.near), ...((precise && panel.layers[`precise|${quantity}`]) || [])];
  const values = [...panel.layouts[`${quantity}|${measure}`].yaxis.range, ...lines.flatMap((t) => t.y)];
  return [Math.min(...values), Math.max(...values)];
}

// Figures side by side share one scale, or the eye compares the wrong things; but not those of two data sets.
function scaleOf(panel, shown) {
  const alike = new Set(DATA.panels.map((p) => p.dataset).filter((d) => d !== null)).size < 2;
  const ranges = (alike ? DATA.panels : [panel]).map((p) => held(p, shown));
  return [Math.min(...ranges.map(([low]) => low)), Math.max(...ranges.map(([, high]) => high))];
}

function figure1(node) {
  const panel = DATA.panels[node.dataset.panel];
  const shown = switches();
  const { quantity, measure, kind, precise } = shown;
  const lines = panel.layers[`interval|${quantity}|${measure}|${kind}`] || [];
  const beside = publishedIn(panel, shown);
  const all = (panel.layers[`published|${quantity}`] || []).map((t) => ({ ...t, visible: beside.includes(t) && t.meta.near }));
  const data = [...all, ...lines, ...(panel.layers[`seed|${quantity}|${measure}`] || []),
    ...((precise && panel.layers[`precise|${quantity}`]) || []), pairTrace()];
  const layout = panel.layouts[`${quantity}|${measure}`];
  const notes = beside.map((t) => t.meta.note).filter(Boolean);
  const above = notes.map((text, i) => ({
    text, xref: "paper", yref: "paper", x: 0, y: 1, xanchor: "left", yanchor: "bottom", yshift: 2 + 15 * i, showarrow: false, font: FAINT_TEXT,
  }));
  const text = "No value of this kind was recorded here";
  const none = lines.length ? [] : [{ text, showarrow: false, xref: "paper", yref: "paper", x: 0.5, y: 0.5 }];
  const range = scaleOf(panel, shown);
  const title = layout.yaxis.title.text.replace(/, axis cut$/, "") + (range[0] > 0 ? ", axis cut" : "");
  return { data, layout: {
    ...layout,
    yaxis: { ...layout.yaxis, range, title: { ...layout.yaxis.title, text: title } },
    annotations: [...layout.annotations, ...above, ...none],
    margin: { ...layout.margin, t: layout.margin.t + 15 * notes.length },
    showlegend: layout.showlegend || beside.some((t) => t.meta.near),
    legend: { ...layout.legend, y: layout.legend.y + 0.045 * notes.length },
  } };
}

// Rings about the runs of one seed, joined: a pair is one comparison.
function pairTrace() {
  return { type: "scatter", mode: "lines+markers", x: [], y: [], showlegend: false, hoverinfo: "skip", meta: { role: "pair" },
    line: { color: "#1f2430", width: 1 }, marker: { symbol: "circle-open", size: 11, color: "#1f2430", line: { color: "#1f2430", width: 2 } } };
}

function pairOf(node, point) {
  const { role } = point.data.meta || {};
  if (role !== "seed" || !DATA.panels[node.dataset.panel].paired) return { x: [], y: [] };
  const [seed, at] = point.data.customdata[point.pointNumber];
  const runs = node.data.filter((t) => t.meta?.role === "seed" && t.visible !== "legendonly")
    .flatMap((t) => t.customdata.map((c, i) => ({ c, x: t.x[i], y: t.y[i] })))
    .filter(({ c }) => c[0] === seed && c[1] === at);
  return { x: runs.map((r) => r.x), y: runs.map((r) => r.y) };
}

function light(node, { x, y }) {
  const last = node.data.length - 1;
  if (x.length || node.data[last].x.length) plotly().restyle(node, { x: [x], y: [y] }, [last]);
}

function listen(node) {
  node.on("plotly_click", (event) => pick(node.dataset.panel, event.points[0]));
  node.on("plotly_hover", (event) => light(node, pairOf(node, event.points[0])));
  node.on("plotly_unhover", () => light(node, { x: [], y: [] }));
}

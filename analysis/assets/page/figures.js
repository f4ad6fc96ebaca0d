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
  plain(node) {
    const { data, layout } = DATA.figures[node.dataset.key];
    return { data, layout };
  },
};

// { data, layout } of what the figure shows now, in the colours of a light page.
const figureOf = (node) => drawers[node.dataset.figure](node);

function draw(node) {
  const { data, layout } = themed(figureOf(node));
  if (innerWidth < 500) { layout.margin = { ...layout.margin, l: 44, r: 8 }; }
  if (printing) Object.assign(layout, { width: PAPER, height: node.offsetHeight });
  node.dataset.drawn = "1";
  plotly().react(node, data, layout, CONFIG).then(() => {
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


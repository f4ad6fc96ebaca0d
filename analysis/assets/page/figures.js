// ---- figures: a name in data-figure, drawn when it comes near the screen --------------------------
const NARROW = 600;
const drawers = {
  fig1: figure1,
  curves(node) {
    const { curves } = DATA.panels[node.dataset.panel];
    const chosen = curves.find((c) => c.x === node.dataset.x) || curves.at(-1);
    const line = node.dataset.line;
    const data = chosen.data.filter((t) => !line || t.meta.line === line);
    return { data, layout: { ...chosen.layout, ...scales[node.dataset.scale](chosen.layout, data) } };
  },
  plain(node) {
    const { data, layout, narrow } = DATA.figures[node.dataset.key];
    const small = narrow && node.clientWidth < NARROW;
    if (narrow) node.style.height = `${(small ? narrow : layout).height}px`;
    return { data, layout: small ? narrow : layout };
  },
};

// The error axis of learning curves: errors end close together, and begin far from there.
const TICKS = [0.1, 0.2, 0.5, 1, 2, 3, 5, 7, 10, 15, 20, 30, 40, 50, 70, 100];
const errorTitle = ({ yaxis }, words) => ({ ...yaxis.title, text: `${yaxis.title.text}, ${words}` });
const scales = {
  zero: () => ({}),
  log: (layout) => ({ yaxis: { ...layout.yaxis, type: "log", tickvals: TICKS, ticktext: TICKS.map(String), title: errorTitle(layout, "log scale") } }),
  end(layout, data) {
    const judged = data.filter((t) => t.meta.role !== "training");
    const last = Math.max(...judged.flatMap((t) => t.x)), first = last - Math.max(1, Math.floor(last / 3));
    const values = judged.flatMap((t) => t.y.filter((_, i) => t.x[i] >= first));
    if (!values.length) return {};
    const low = Math.min(...values), high = Math.max(...values), pad = 0.06 * (high - low) || 0.5;
    return {
      xaxis: { ...layout.xaxis, range: [first, last + 0.02 * (last - first)] },
      yaxis: { ...layout.yaxis, range: [low - pad, high + pad], title: errorTitle(layout, "axis cut") },
    };
  },
};

// { data, layout } of what the figure shows now, in the colours of a light page.
const figureOf = (node) => drawers[node.dataset.figure](node);

function draw(node) {
  const { data, layout } = themed(figureOf(node));
  if (innerWidth < NARROW) layout.margin = { ...layout.margin, l: 44, r: layout.margin.r > 16 ? layout.margin.r : 8 };
  if (printing) Object.assign(layout, { width: PAPER, height: node.offsetHeight });
  node.dataset.drawn = "1";
  plotly().react(node, data, layout, CONFIG).then(() => {
    if (node.dataset.figure !== "fig1" || node.dataset.listens) return;
    node.dataset.listens = "1";
    listen(node);
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

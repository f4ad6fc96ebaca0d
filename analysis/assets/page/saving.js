// ---- copying and saving: into the clipboard or a file, never over a network ------------------------------
function said(button, word) {
  button.dataset.label ??= button.textContent;
  button.textContent = word;
  setTimeout(() => { button.textContent = button.dataset.label; }, 1500);
}

const copyOf = (key) => DATA.copies[switches().measure][key];

$$("button[data-copy]").forEach((button) => button.addEventListener("click", async () => {
  const text = copyOf(button.dataset.copy);
  try { await navigator.clipboard.writeText(text); } catch { // a page from a disk may not use the clipboard
    const area = document.createElement("textarea");
    area.value = text;
    document.body.append(area);
    area.select();
    document.execCommand("copy");
    area.remove();
  }
  said(button, "Copied");
}));

function save(name, blob) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = `${document.title} ${name}`.replace(/[^\p{L}\p{N}.-]+/gu, "-");
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60000);
}

const csvField = (value) => (/[",\r\n]/.test(value) ? `"${value.replaceAll('"', '""')}"` : value);

function trialsCsv() {
  const { columns, rows } = DATA.trials;
  const lines = [columns.map((c) => c.key), ...rows];
  return lines.map((line) => line.map((v) => csvField(v === null ? "" : String(v))).join()).join("\n") + "\n";
}

$$("button[data-save-csv]").forEach((button) => button.addEventListener("click", () => {
  const key = button.dataset.saveCsv;
  const text = key === "trials" ? trialsCsv() : copyOf(key);
  save(`${key.replace(/-csv$/, "")}.csv`, new Blob([text], { type: "text/csv" }));
  said(button, "Saved");
}));

// Figures as a paper has them: light, on white, at 96 dots an inch, and as PNG three times as many.
const SAVED = { width: 760, scale: 3 };

async function plotted(node, format) {
  const { data, layout } = structuredClone(figureOf(node));
  Object.assign(layout, { paper_bgcolor: "#ffffff", plot_bgcolor: "#ffffff" });
  const scale = format === "png" ? SAVED.scale : 1;
  const size = { format, width: SAVED.width, height: layout.height ?? node.offsetHeight, scale };
  return plotly().toImage({ data, layout, config: CONFIG }, size);
}

// A diagram that the page itself holds takes its styles with it.
async function diagram(svg, format) {
  const theme = document.documentElement.dataset.theme;
  document.documentElement.dataset.theme = "light";
  const copy = svg.cloneNode(true);
  const originals = $$("*", svg);
  $$("*", copy).forEach((part, i) => {
    const style = getComputedStyle(originals[i]);
    for (const name of ["fill", "stroke", "stroke-width", "stroke-dasharray", "stroke-linecap", "font-family", "font-size", "text-anchor"]) {
      part.style.setProperty(name, style.getPropertyValue(name));
    }
  });
  if (theme) document.documentElement.dataset.theme = theme; else delete document.documentElement.dataset.theme;
  copy.setAttribute("xmlns", "http://www.w3.org/2000/svg");
  copy.style.background = "#ffffff";
  const { width, height } = svg.viewBox.baseVal;
  copy.setAttribute("width", width);
  const url = `data:image/svg+xml,${encodeURIComponent(new XMLSerializer().serializeToString(copy))}`;
  if (format === "svg") return url;
  const image = new Image();
  image.src = url;
  await image.decode();
  const canvas = Object.assign(document.createElement("canvas"), { width: SAVED.scale * width, height: SAVED.scale * height });
  canvas.getContext("2d").drawImage(image, 0, 0, canvas.width, canvas.height);
  return canvas.toDataURL("image/png");
}

function blobOf(url) {
  const comma = url.indexOf(","), head = url.slice(5, comma), body = url.slice(comma + 1);
  const whole = head.endsWith(";base64") ? Uint8Array.from(atob(body), (c) => c.charCodeAt(0)) : decodeURIComponent(body);
  return new Blob([whole], { type: head.split(";")[0] });
}

function nameOfFigure(node) {
  const { figure, panel, key, x } = node.dataset;
  const of = DATA.panels.length > 1 ? `-${Number(panel) + 1}` : "";
  return { fig1: `figure-1${of}`, curves: `curves${of}-${x}`, plain: key }[figure] ?? "network";
}

function saveButtons(node) {
  const row = document.createElement("div");
  row.className = "save";
  for (const format of ["svg", "png"]) {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = format.toUpperCase();
    button.setAttribute("aria-label", `${button.textContent}: save the figure ${node.getAttribute("aria-label")}`);
    button.addEventListener("click", async () => {
      const url = await (node.matches(".plot") ? plotted : diagram)(node, format);
      save(`${nameOfFigure(node)}.${format}`, blobOf(url));
      said(button, "Saved");
    });
    row.append(button);
  }
  (node.closest(".scroll") ?? node).after(row);
}
$$(".plot, svg.network").forEach(saveButtons);

"use strict";

// What the server sent last, merged: trials by id. All text goes into the page as text, never as HTML.
const EVERY = 1000, AWAY = 2000, ROWS = 200, LINES = 300, ENTRIES = 14;
const COLOURS = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#b58900", "#56b4e9", "#8c564b", "#7f7f7f"];
const DASHES = ["", "6 3", "2 3"];
const STATES = ["running", "done", "diverged", "failed", "waiting", "undeclared"];
const WORDS = { undeclared: "no longer declared" };
const TABS = ["now", "trials", "log", "report"];
let state = null, trials = new Map(), rows = ROWS, loaded = null;

const at = (id) => document.getElementById(id);
const number = (value) => (value === null ? "" : `${value.toFixed(2)}%`);
const clock = (seconds) => new Date(seconds * 1000).toLocaleTimeString("en-GB");

function element(name, text, ...classes) {
  const made = document.createElement(name);
  if (text !== undefined) made.textContent = text;
  made.className = classes.join(" ");
  return made;
}

function drawn(name, attributes, text) {
  const made = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  if (text !== undefined) made.textContent = text;
  return made;
}

function ago(seconds) {
  const past = Math.max(0, Math.round(state.now - seconds));
  if (past < 120) return `${past} s ago`;
  return past < 7200 ? `${Math.round(past / 60)} min ago` : `${(past / 3600).toFixed(1)} h ago`;
}

async function ask() {
  let wait = EVERY;
  try {
    const known = state ? `?session=${state.session}&since=${state.version}` : "";
    const answer = await fetch(`/state${known}`);
    const said = await answer.json();
    if (said.error) throw new Error(said.error);
    const changed = !state || said.version !== state.version || said.whole;
    if (said.whole) trials = new Map();
    for (const trial of said.trials) trials.set(trial.id, trial);
    state = said;
    at("trouble").hidden = true;
    show(changed);
  } catch (error) {
    wait = AWAY;
    at("trouble").textContent = `What is shown may be old: ${error.message}`;
    at("trouble").hidden = false;
  }
  setTimeout(ask, wait);
}

function show(changed) {
  const held = state.held_by;
  document.title = `${Math.floor(state.share * 100)}% · ${state.name}`;
  at("name").textContent = state.name;
  at("where").textContent = [state.description, state.results].filter(Boolean).join(" · ");
  at("held").textContent = held
    ? `In the hands of process ${held.pid} on ${held.host} since ${held.started}: ${held.command}`
    : "No run holds it now.";
  at("share").value = state.share;
  at("percent").textContent = `${(state.share * 100).toFixed(1)}% of all epochs`;
  at("counts").replaceChildren(
    ...STATES.filter((name) => state.counts[name]).flatMap((name, index) => [
      index ? " · " : "",
      element("span", `${state.counts[name]} ${WORDS[name] || name}`, name),
    ]),
  );
  at("warnings").replaceChildren(...state.warnings.map((text) => element("li", text)));
  running();
  report();
  if (!changed) return;
  curves();
  table();
  log();
}

function row(trial, cells) {
  const made = element("tr");
  for (const [text, ...classes] of cells) made.append(element("td", text, ...classes));
  made.title = trial.id;
  return made;
}

function head(...names) {
  const made = element("tr");
  for (const [text, ...classes] of names) {
    const cell = element("th", text, ...classes);
    cell.scope = "col";
    made.append(cell);
  }
  const top = element("thead");
  top.append(made);
  return top;
}

function body(made) {
  const all = element("tbody");
  all.append(...made);
  return all;
}

const epochs = (trial) => (trial.epochs ? `${trial.epoch}/${trial.epochs}` : `${trial.epoch}`);

function running() {
  const those = [...trials.values()].filter((trial) => trial.state === "running");
  at("idle").hidden = those.length > 0;
  at("running").replaceChildren(
    ...(those.length ? [head(["cell"], ["seed", "number"], ["epoch", "number"], ["error", "number"], ["where"], ["last sign"])] : []),
    body(those.slice(0, ROWS).map((trial) => row(trial, [
      [trial.cell], [trial.seed === null ? "" : String(trial.seed), "number"], [epochs(trial), "number"], [number(trial.error), "number"],
      [trial.worker || ""], [trial.seen ? ago(trial.seen) : "no epoch yet"],
    ]))),
  );
}

function table() {
  const chosen = at("state").value, text = at("text").value.toLowerCase();
  const those = [...trials.values()].filter(
    (trial) => (!chosen || trial.state === chosen) && `${trial.cell} ${trial.id}`.toLowerCase().includes(text),
  );
  at("shown").textContent = those.length > rows ? `${rows} of ${those.length} trials` : `${those.length} trials`;
  at("more").hidden = those.length <= rows;
  at("all").replaceChildren(
    head(["trial"], ["cell"], ["state"], ["epoch", "number"], ["error", "number"], ["note"]),
    body(those.slice(0, rows).map((trial) => row(trial, [
      [trial.id], [trial.cell], [WORDS[trial.state] || trial.state, trial.state], [epochs(trial), "number"],
      [number(trial.error), "number"], [trial.note],
    ]))),
  );
}

function log() {
  at("events").replaceChildren(...state.events.map((event) => {
    const line = element("li", undefined, event.kind === "run" ? "" : event.kind);
    const when = element("time", `${new Date(event.time * 1000).toLocaleDateString("en-GB")} ${clock(event.time)}`);
    line.append(when, element("span", event.text));
    return line;
  }));
}

function curves() {
  const those = [...trials.values()].filter((trial) => trial.curve.length && trial.state !== "undeclared");
  const order = new Map();
  for (const trial of those) if (!order.has(trial.cell)) order.set(trial.cell, order.size);
  const points = those.flatMap((trial) => trial.curve);
  const far = Math.max(2, ...those.map((trial) => trial.epochs || trial.epoch));
  const high = Math.max(1, points.reduce((most, [, error]) => Math.max(most, error), 0));
  const step = [1, 2, 5, 10, 20].find((size) => high / size <= 6) || 20;
  const top = Math.ceil(high / step) * step;
  const x = (epoch) => 48 + (840 * (epoch - 1)) / (far - 1), y = (error) => 290 - (280 * error) / top;
  const made = [];
  for (let error = 0; error <= top; error += step) {
    made.push(drawn("line", { class: "grid", x1: 48, x2: 888, y1: y(error), y2: y(error) }));
    made.push(drawn("text", { x: 42, y: y(error) + 4, "text-anchor": "end" }, `${error}%`));
  }
  for (const epoch of new Set([1, Math.ceil(far / 4), Math.ceil(far / 2), Math.ceil((3 * far) / 4), far])) {
    made.push(drawn("text", { x: x(epoch), y: 310, "text-anchor": "middle" }, String(epoch)));
  }
  const pen = (cell) => ({
    stroke: COLOURS[order.get(cell) % COLOURS.length],
    "stroke-dasharray": DASHES[Math.floor(order.get(cell) / COLOURS.length) % DASHES.length],
  });
  const late = those.sort((one, other) => (other.seen || 0) - (one.seen || 0)).slice(0, LINES);
  for (const trial of late) {
    const style = { ...pen(trial.cell), "stroke-opacity": trial.state === "running" ? 1 : 0.45 };
    const path = trial.curve.map(([epoch, error]) => `${x(epoch).toFixed(1)},${y(error).toFixed(1)}`);
    if (path.length === 1) path.push(path[0]);
    const line = drawn("polyline", { ...style, points: path.join(" "), "stroke-linecap": "round", "data-trial": trial.id });
    line.append(drawn("title", {}, `${trial.cell}, seed ${trial.seed}: ${number(trial.error)} after ${epochs(trial)}`));
    made.push(line);
  }
  at("curves").replaceChildren(...made);
  const names = [...order.keys()];
  at("legend").replaceChildren(...names.slice(0, ENTRIES).map((cell) => {
    const entry = element("li"), sample = drawn("svg", { viewBox: "0 0 24 4", "aria-hidden": "true" });
    sample.append(drawn("line", { ...pen(cell), x1: 0, x2: 24, y1: 2, y2: 2, "stroke-width": 3 }));
    entry.append(sample, cell);
    return entry;
  }), ...(names.length > ENTRIES ? [element("li", `and ${names.length - ENTRIES} more cells`)] : []));
}

// The report of a running sweep loads itself again and keeps what its reader chose; another one has to be
// told that there is a newer one.
function report() {
  const frame = at("frame");
  at("none").hidden = state.report !== null;
  frame.hidden = state.report === null;
  if (state.report === null || at("report").hidden || loaded === state.report) return;
  if (loaded !== null && frame.contentDocument && frame.contentDocument.getElementById("live")) return;
  loaded = state.report;
  frame.src = `/report?${encodeURIComponent(loaded)}`;
}

function choose() {
  const wanted = location.hash.slice(1), tab = TABS.includes(wanted) ? wanted : "now";
  for (const name of TABS) {
    at(name).hidden = name !== tab;
    const link = document.querySelector(`nav a[href="#${name}"]`);
    if (name === tab) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  scrollTo(0, 0);
  if (state) report();
}

at("state").append(...["", ...STATES].map((name) => {
  const option = element("option", name ? WORDS[name] || name : "every trial");
  option.value = name;
  return option;
}));
for (const [id, kind] of [["state", "change"], ["text", "input"]]) {
  at(id).addEventListener(kind, () => { rows = ROWS; table(); });
}
at("more").addEventListener("click", () => { rows += 1000; table(); });
at("frame").addEventListener("load", () => { if (loaded !== null) loaded = state.report; });
addEventListener("hashchange", choose);
choose();
ask();

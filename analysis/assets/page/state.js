// ---- what the reader chose stands in the address, so that a link shows the same ---------------------------
// #claims&measure=median5&theme=dark: the section, if any, and whatever is not as the page has it at first.
const CONTROLS = $$(".controls :is(input[name], select)");

function keyOf(control) {
  if (control.name) return control.name;
  const { axis, curves, lines, scale, seeds } = control.dataset;
  if (axis !== undefined) return `axis.${axis}`;
  if (seeds !== undefined) return `${seeds}.${control.closest("[data-calculator]").dataset.calculator}`;
  return [["curves", curves], ["lines", lines], ["scale", scale]].filter(([, of]) => of !== undefined).map((pair) => pair.join("."))[0];
}

const firstOf = (select) => ([...select.options].find((o) => o.defaultSelected) ?? select.options[0]).value;

function chosen() {
  const found = new URLSearchParams();
  for (const c of CONTROLS) {
    if (c.type === "checkbox") { if (c.checked !== c.defaultChecked) found.append(keyOf(c), (c.checked ? "" : "!") + c.value); }
    else if (c.type === "radio") { if (c.checked && !c.defaultChecked) found.append(keyOf(c), c.value); }
    else if (c.value !== firstOf(c)) found.append(keyOf(c), c.value);
  }
  const { theme } = document.documentElement.dataset;
  if (theme) found.append("theme", theme);
  return found;
}

function choose(wanted) {
  for (const c of CONTROLS) {
    const values = wanted.getAll(keyOf(c));
    if (c.type === "checkbox") c.checked = values.includes(c.value) || (c.defaultChecked && !values.includes(`!${c.value}`));
    else if (c.type === "radio") c.checked = values.length ? values[0] === c.value : c.defaultChecked;
    else c.value = [...c.options].some((o) => o.value === values[0]) ? values[0] : firstOf(c);
  }
  for (const name of new Set(CONTROLS.filter((c) => c.type === "radio").map((c) => c.name))) {
    const own = CONTROLS.filter((c) => c.name === name);  // an address may name what is not here
    if (!own.some((c) => c.checked)) own[0].checked = true;
  }
  const theme = wanted.get("theme");
  if (theme === "dark" || theme === "light") document.documentElement.dataset.theme = theme;
  $$("select[data-curves]").forEach((s) => chooseCurves(s.dataset.curves));
  $$("[data-calculator]").forEach(seedsNeeded);
  showMeasure();
  showPanels();
}

const parts = () => location.hash.slice(1).split("&");
const section = () => parts().find((part) => part && !part.includes("=")) ?? "";
const stated = () => parts().filter((part) => part.includes("="));

function state() {
  const all = [section(), chosen().toString()].filter(Boolean).join("&");
  if (all === location.hash.slice(1)) return;
  // Neither a frame without an address nor an old browser keeps the page from working.
  try { history.replaceState(null, "", all ? `#${all}` : location.pathname + location.search); } catch { /* as it was */ }
}

function goTo(name) {
  let target = null;
  try { target = document.getElementById(decodeURIComponent(name)); } catch { /* no name of ours */ }
  target?.scrollIntoView({ behavior: "instant" });
}

addEventListener("hashchange", () => {
  if (!stated().length) { state(); return; } // a link within the page
  choose(new URLSearchParams(stated().join("&")));
  redraw();
  goTo(section());
});
document.addEventListener("change", (event) => { if (event.target.closest(".controls")) state(); });

choose(new URLSearchParams(stated().join("&")));
if (stated().length && section()) goTo(section());

// ---- theme, the menu of a narrow screen ---------------------------------------------------------------
$("#theme").addEventListener("click", () => {
  document.documentElement.dataset.theme = isDark() ? "light" : "dark";
  redraw();
  state();
});
darkMedia.addEventListener("change", () => redraw());

const menu = $("#menu"), nav = $(".bar nav");
function openMenu(open) {
  menu.setAttribute("aria-expanded", String(open));
  nav.classList.toggle("open", open);
}
menu.addEventListener("click", () => openMenu(menu.getAttribute("aria-expanded") !== "true"));
nav.addEventListener("click", (event) => { if (event.target.closest("a")) openMenu(false); });
document.addEventListener("click", (event) => { if (!event.target.closest(".bar")) openMenu(false); });
addEventListener("keydown", (event) => {
  if (event.key !== "Escape" || menu.getAttribute("aria-expanded") !== "true") return;
  openMenu(false);
  menu.focus();
});

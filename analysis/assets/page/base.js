"use strict";
// Everything the page knows is in #data, made by analysis/report.py; its scripts only show and hide it.
// Text from the data reaches the page through textContent alone, never through innerHTML.
const $ = (selector, root = document) => root.querySelector(selector);
const $$ = (selector, root = document) => [...root.querySelectorAll(selector)];
const DATA = JSON.parse($("#data").textContent);
const CONFIG = { displaylogo: false, responsive: true, displayModeBar: false };
document.documentElement.dataset.script = "on";

// Plotly, unpacked when the first figure is drawn. By pako and at once, so that a page printed as soon as it
// is loaded has its figures, in old browsers too; the page's policy names the unpacked script's hash.
function plotly() {
  if (!globalThis.Plotly) {
    const packed = Uint8Array.from(atob($("#plotly").textContent), (c) => c.charCodeAt(0));
    const script = document.createElement("script");
    script.textContent = new TextDecoder().decode(pako.ungzip(packed));
    document.head.append(script);
  }
  return globalThis.Plotly;
}

// ---- light and dark ---------------------------------------------------------------------------------
// The figures' colours and their lighter twins for a dark page.
const DARK = new Map(Object.entries(DATA.dark));
const channels = (hex) => [1, 3, 5].map((i) => parseInt(hex.slice(i, i + 2), 16)).join();
const DARK_TINTS = new Map([...DARK].map(([light, dark]) => [channels(light), channels(dark)]));
const darkMedia = matchMedia("(prefers-color-scheme: dark)");
let printing = false;

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

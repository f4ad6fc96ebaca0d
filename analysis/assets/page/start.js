// ---- print ---------------------------------------------------------------------------------------------
// On paper every figure is drawn, light, and as wide as the paper and not as the screen.
const PAPER = 700;
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

// ---- a running sweep: load the file again, where the reader was ------------------------------------------
const KEPT = `normsweep ${location.pathname}`;
function live() {
  try { // a browser may refuse storage to a page from a disk
    const y = sessionStorage.getItem(KEPT);
    if (y !== null) scrollTo({ top: Number(y), behavior: "instant" });
  } catch { /* from the top, then */ }
  const badge = $("#live");
  const age = Math.round((Date.now() / 1000 - DATA.generated) / 60);
  const at = new Date(DATA.generated * 1000).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });
  badge.textContent = age < 3 ? `Live, as of ${at}` : `As of ${at}, ${age} min ago: the run may have stopped`;
  badge.classList.toggle("stale", age >= 3);
  setTimeout(() => {
    state();
    try { sessionStorage.setItem(KEPT, String(scrollY)); } catch { /* as above */ }
    location.reload();
  }, 30000);
}
if (DATA.live) live();
drawWhenSeen();

// Suggestions under the search box: the same results that the page of the form shows, as a list below the box.

const PAUSE_MS = 150;

/** @param {HTMLFormElement} form whose action answers with a page that holds `#found` */
export function suggest(form) {
  const box = form.querySelector('input');
  if (!box) return;
  const list = document.createElement('div');
  list.className = 'menu suggestions';
  list.popover = 'manual';
  form.append(list);
  let timer = 0, turn = 0;

  box.addEventListener('input', () => {
    clearTimeout(timer);
    timer = window.setTimeout(ask, PAUSE_MS);
  });
  box.addEventListener('keydown', (event) => {
    if (event.key === 'ArrowDown' && list.matches(':popover-open')) { event.preventDefault(); move(1); }
    if (event.key === 'Escape') list.hidePopover();
  });
  list.addEventListener('keydown', (event) => {
    if (event.key === 'ArrowDown') { event.preventDefault(); move(1); }
    if (event.key === 'ArrowUp') { event.preventDefault(); move(-1); }
    if (event.key === 'Escape') { list.hidePopover(); box.focus(); }
  });
  form.addEventListener('focusout', (event) => {
    if (!form.contains(/** @type {Node | null} */ (event.relatedTarget))) list.hidePopover();
  });

  async function ask() {
    const words = box?.value.trim() ?? '';
    const mine = (turn += 1);
    if (!words) { list.hidePopover(); return; }
    const answer = await fetch(`${form.action}?${new URLSearchParams({ q: words })}`).catch(() => null);
    if (!answer?.ok || mine !== turn) return;
    const page = new DOMParser().parseFromString(await answer.text(), 'text/html');
    const found = page.getElementById('found');
    if (!found || mine !== turn) return;
    found.removeAttribute('id');
    list.replaceChildren(document.adoptNode(found));
    list.showPopover();
  }

  /** @param {number} step */
  function move(step) {
    const links = [...list.querySelectorAll('a')];
    const next = links.indexOf(/** @type {HTMLAnchorElement} */ (document.activeElement)) + step;
    if (next < 0) box?.focus();
    else links[Math.min(next, links.length - 1)]?.focus();
  }
}

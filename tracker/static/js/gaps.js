// The gaps page: ticks add up at the foot, a row and its place on the map light up together, and new counts and orders of
// others appear by themselves without touching what was ticked or typed.
import './coverage-map.js';
import { follow } from './live.js';
import { patch } from './patch.js';

const ASK_EVERY_MS = 15_000;

/** @typedef {{ parts: Record<string, string>, map: import('./coverage-map.js').MapData }} View */

/** @param {HTMLElement} root */
function workOn(root) {
  const map = /** @type {import('./coverage-map.js').RasaiMap | null} */ (root.querySelector('rasai-map'));
  ticks(root);
  litTogether(root, map);
  root.addEventListener('rasai:go', (event) => location.assign(/** @type {CustomEvent<string>} */ (event).detail));
  follow(() => `${root.dataset.parts}${location.search}`, (/** @type {View} */ view) => {
    const ticked = tickedCodes(root);
    for (const [name, html] of Object.entries(view.parts)) {
      const part = root.querySelector(`[data-part=${name}]`);
      if (part) patch(part, html, true);
    }
    tickAgain(root, ticked);
    map?.show(view.map, true);
  }, { everyMs: ASK_EVERY_MS });
}

/** @param {HTMLElement} root @returns {NodeListOf<HTMLInputElement>} */
const boxes = (root) => root.querySelectorAll('input[name=settlement]');

/** @param {HTMLElement} root */
const tickedCodes = (root) => new Set([...boxes(root)].filter((box) => box.checked).map((box) => box.value));

/** @param {HTMLElement} root @param {Set<string>} codes */
function tickAgain(root, codes) {
  for (const box of boxes(root)) box.checked = codes.has(box.value);
  addUp(root);
}

/** @param {HTMLElement} root */
function ticks(root) {
  const bar = root.querySelector('[data-order-bar]');
  if (!bar) return;
  bar.setAttribute('data-live', '');
  root.addEventListener('change', (event) => {
    const box = event.target;
    if (!(box instanceof HTMLInputElement)) return;
    if (box.matches('[data-tick-all]')) for (const one of boxes(root)) one.checked = box.checked;
    if (box.matches('[data-tick-all], [name=settlement]')) addUp(root);
  });
  addUp(root);
}

/** @param {HTMLElement} root */
function addUp(root) {
  const bar = root.querySelector('[data-order-bar]'), words = /** @type {HTMLElement | null} */ (root.querySelector('[data-ticked]'));
  if (!bar || !words) return;
  const all = /** @type {HTMLInputElement | null} */ (root.querySelector('[data-tick-all]'));
  let children = 0, count = 0;
  for (const box of boxes(root)) {
    const row = box.closest('tr');
    row?.classList.toggle('ticked', box.checked);
    if (!box.checked) continue;
    count += 1;
    children += Number(row?.dataset.children ?? 0);
  }
  if (all) { all.hidden = false; all.checked = count > 0 && count === boxes(root).length; all.indeterminate = count > 0 && !all.checked; }
  bar.classList.toggle('has-ticks', count > 0);
  words.textContent = count ? (words.dataset.words ?? '').replace('{n}', String(count)).replace('{children}', children.toLocaleString('en')) : words.dataset.none ?? '';
}

/** @param {HTMLElement} root @param {import('./coverage-map.js').RasaiMap | null} map */
function litTogether(root, map) {
  for (const [on, light] of /** @type {const} */ ([['pointerover', true], ['focusin', true], ['pointerout', false], ['focusout', false]])) {
    root.addEventListener(on, (event) => {
      const row = event.target instanceof Element ? event.target.closest('tr[data-settlement]') : null;
      if (row) map?.lightSpot(light ? Number(row.getAttribute('data-settlement')) : null);
    });
  }
  root.addEventListener('rasai:over', (event) => {
    const code = /** @type {CustomEvent<string>} */ (event).detail;
    for (const box of root.querySelectorAll('tr.lit')) box.classList.remove('lit');
    root.querySelector(`tr[data-settlement="${CSS.escape(code)}"]`)?.classList.add('lit');
  });
}

const root = document.getElementById('gaps');
if (root) workOn(root);

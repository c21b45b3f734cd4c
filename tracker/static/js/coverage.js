// The coverage page: its links change parts of it instead of loading it anew, new counts appear by themselves, days play,
// and on phones the list is a sheet. Without this module every link is a page of its own.
import './coverage-map.js';
import { follow } from './live.js';
import { patch } from './patch.js';
import { asSheet } from './coverage-sheet.js';

const ASK_EVERY_MS = 3500;        // a visit is judged within a second: it shows within five
const DAY_MS = 1600;
const SHEET_MS = 250;            // until the sheet has moved
const SAY_EVERY_MS = 30_000;

/** @typedef {{ address: string, title: string, parts: Record<string, string>, map: import('./coverage-map.js').MapData }} View */

const root = document.getElementById('coverage');
if (root) workOn(root);

/** @param {HTMLElement} root */
function workOn(root) {
  const map = /** @type {import('./coverage-map.js').RasaiMap | null} */ (root.querySelector('rasai-map'));
  const pagePath = new URL(root.dataset.page ?? '', location.href).pathname;
  const partsAddress = (search = location.search) => `${root.dataset.parts}${search}`;
  let turn = 0, said = 0;
  asSheet(root);
  showControls(root);

  /** @param {View} view @param {boolean} live whether only numbers changed */
  function show(view, live) {
    for (const [name, html] of Object.entries(view.parts)) {
      const part = root.querySelector(`[data-part=${name}]`);
      if (part) patch(part, html, live);
    }
    root.classList.toggle('has-panel', Boolean(view.parts.panel?.trim()));
    document.title = view.title;
    showControls(root);
    map?.show(view.map, live);
  }

  /** @param {string} href @param {{ push?: boolean, focus?: boolean }} [how] */
  async function go(href, { push = true, focus = true } = {}) {
    const mine = (turn += 1);
    const to = new URL(href, location.href);
    root.setAttribute('aria-busy', 'true');
    try {
      const answer = await fetch(partsAddress(to.search), { headers: { Accept: 'application/json' } });
      if (!answer.ok) throw new Error(String(answer.status));
      const view = await answer.json();
      if (mine !== turn) return;
      const panelBefore = panelName(root), at = placeOfFocus(root);
      if (push) history.pushState(null, '', to.pathname + to.search);
      show(view, false);
      if (focus) keepFocus(root, panelBefore, at);
      say(panelName(root) || document.title, true);
    } catch {
      if (mine === turn) location.assign(href);      // the page itself says what is wrong
    } finally {
      if (mine === turn) root.removeAttribute('aria-busy');
    }
  }

  root.addEventListener('click', (event) => {
    const link = event.target instanceof Element ? event.target.closest('a[href]') : null;
    if (!(link instanceof HTMLAnchorElement) || link.download || event.ctrlKey || event.metaKey || event.shiftKey || event.button) return;
    if (link.origin !== location.origin || link.pathname !== pagePath || link.hasAttribute('download')) return;
    event.preventDefault();
    go(link.href);
  });
  root.addEventListener('rasai:go', (event) => go(/** @type {CustomEvent<string>} */ (event).detail, { focus: false }));
  addEventListener('popstate', () => go(location.href, { push: false }));
  root.addEventListener('click', (event) => {
    const target = event.target instanceof Element ? event.target : null;
    if (target?.closest('[data-print]')) print();
    const larger = target?.closest('[data-larger]');
    if (!larger) return;
    larger.setAttribute('aria-pressed', String(root.classList.toggle('is-large')));
    setTimeout(() => map?.refit(), SHEET_MS);
  });
  document.addEventListener('keydown', (event) => {
    const close = /** @type {HTMLElement | null} */ (root.querySelector('[data-close]'));
    if (event.key === 'Escape' && close && !event.defaultPrevented && !document.querySelector(':popover-open')) close.click();
  });
  litTogether(root, map);
  playDays(root, (href) => go(href, { focus: false }));

  follow(() => partsAddress(), (/** @type {View} */ view) => {
    const before = numberIn(root, 'unreached');
    show(view, true);
    const now = numberIn(root, 'unreached');
    if (now !== before) say(`${now} ${root.querySelector('.hero-words')?.textContent ?? ''}`, false);
  }, { everyMs: ASK_EVERY_MS });

  /** Announced politely; what changes by itself at most every half minute. @param {string} words @param {boolean} asked */
  function say(words, asked) {
    const line = root.querySelector('[data-says]');
    if (!line || (!asked && Date.now() - said < SAY_EVERY_MS)) return;
    said = Date.now();
    line.textContent = words;
  }
}

/** What only works with script is shown by script. @param {HTMLElement} root */
function showControls(root) {
  for (const control of root.querySelectorAll('[data-play], [data-print], [data-sheet]')) control.removeAttribute('hidden');
}

/** @param {HTMLElement} root @param {string} name */
const numberIn = (root, name) => root.querySelector(`[data-number=${name}]`)?.textContent?.trim() ?? '';

/** @param {HTMLElement} root */
const panelName = (root) => root.querySelector('#panel-head')?.textContent?.trim() ?? '';

/** How to find the focused element again. @param {HTMLElement} root */
function placeOfFocus(root) {
  const active = document.activeElement;
  const part = active?.closest('[data-part]');
  if (!active || !part || !root.contains(active)) return null;
  return { part: part.getAttribute('data-part') ?? '', row: active.closest('tr, li')?.getAttribute('data-area') ?? '', label: active.textContent ?? '' };
}

/**
 * After a view changed: into the panel that opened, else where the focus was.
 * @param {HTMLElement} root @param {string} panelBefore @param {{ part: string, row: string, label: string } | null} at
 */
function keepFocus(root, panelBefore, at) {
  const head = /** @type {HTMLElement | null} */ (root.querySelector('#panel-head'));
  if (head && panelName(root) !== panelBefore) { head.focus({ preventScroll: true }); return; }
  if (!at || root.contains(document.activeElement) && document.activeElement !== document.body) return;
  const links = [...root.querySelectorAll(`[data-part=${at.part}] a`)];
  const same = links.find((link) => link.textContent === at.label) ?? root.querySelector('[data-part=list] a');
  /** @type {HTMLElement | null} */ (same ?? null)?.focus({ preventScroll: true });
}

/** A row and its place on the map light up together. @param {HTMLElement} root @param {import('./coverage-map.js').RasaiMap | null} map */
function litTogether(root, map) {
  for (const [on, light] of /** @type {const} */ ([['pointerover', true], ['focusin', true], ['pointerout', false], ['focusout', false]])) {
    root.addEventListener(on, (event) => {
      const row = event.target instanceof Element ? event.target.closest('[data-area]') : null;
      if (row) map?.light(light ? Number(row.getAttribute('data-area')) : null);
    });
  }
}

/** Day after day, as long as the button is pressed. @param {HTMLElement} root @param {(href: string) => Promise<void>} go */
function playDays(root, go) {
  let playing = false;
  root.addEventListener('click', async (event) => {
    const button = event.target instanceof Element ? event.target.closest('[data-play]') : null;
    if (!button) return;
    playing = !playing;
    button.setAttribute('aria-pressed', String(playing));
    const count = root.querySelectorAll('.days a').length;
    for (let day = 0; playing && day < count; day += 1) {
      const link = /** @type {HTMLAnchorElement | undefined} */ (root.querySelectorAll('.days a')[day]);
      if (link) await go(link.href);
      root.querySelector('[data-play]')?.setAttribute('aria-pressed', 'true');
      await new Promise((resolve) => { setTimeout(resolve, DAY_MS); });
    }
    playing = false;
    root.querySelector('[data-play]')?.setAttribute('aria-pressed', 'false');
  });
}

// Keys: "/" to the search box, "g" then a letter to another page, "?" to the list of keys.

const WAIT_MS = 1500;      // between "g" and its letter

/** Whether a key belongs to what is being written. @param {EventTarget | null} target */
export const isWriting = (target) => target instanceof HTMLElement && (target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName));

/**
 * What a key means after the one before it.
 * @param {string} key @param {boolean} afterG @param {Record<string, string>} places address by letter
 * @returns {{ do: 'find' | 'keys' | 'wait' | 'nothing' } | { do: 'go', to: string }}
 */
export function meaningOf(key, afterG, places) {
  if (afterG && places[key]) return { do: 'go', to: places[key] };
  if (key === '/') return { do: 'find' };
  if (key === '?') return { do: 'keys' };
  return { do: key === 'g' ? 'wait' : 'nothing' };
}

/** @param {Document} page */
export function followKeys(page) {
  /** @type {Record<string, string>} */
  const places = {};
  for (const key of page.querySelectorAll('[data-go]')) places[key.textContent?.trim() ?? ''] = key.getAttribute('data-go') ?? '/';
  let sinceG = -Infinity;
  page.addEventListener('keydown', (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || isWriting(event.target)) return;
    const meaning = meaningOf(event.key, event.timeStamp - sinceG < WAIT_MS, places);
    sinceG = meaning.do === 'wait' ? event.timeStamp : -Infinity;
    if (meaning.do === 'go' && meaning.to === '#lock') /** @type {HTMLElement | null} */ (page.querySelector('[data-lock]'))?.click();
    else if (meaning.do === 'go') location.assign(meaning.to);
    if (meaning.do === 'find' && toSearch(page)) event.preventDefault();
    if (meaning.do === 'keys') /** @type {HTMLElement | null} */ (page.getElementById('keys'))?.togglePopover();
  });
}

/** @param {Document} page @returns {boolean} whether there is a box to search in */
function toSearch(page) {
  const box = /** @type {HTMLInputElement | null} */ (page.getElementById('find'));
  if (!box) return false;
  if (box.checkVisibility()) box.select();
  else /** @type {HTMLElement | null} */ (page.querySelector('.find-link'))?.click();
  return true;
}

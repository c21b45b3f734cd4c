// Ask the server again and again, gently: only while the page is seen, with the tag of the last answer, later when it
// does not answer; and say so when what is shown is old.

const STALE_AFTER_MS = 60_000;
const LONGEST_WAIT_MS = 60_000;

/** How long to wait after so many failures. @param {number} everyMs @param {number} failures */
export const waitAfter = (everyMs, failures) => Math.min(everyMs * 2 ** failures, Math.max(everyMs, LONGEST_WAIT_MS));

/**
 * Call `onNews` with each new answer of an address.
 * @param {string | (() => string)} address
 * @param {(answer: any) => void} onNews called with the parsed JSON, only when it changed
 * @param {{ everyMs?: number, onStale?: (since: Date | null) => void }} [how] `onStale` gets the time of the last answer when
 *   it is over a minute old, and null when answers come again
 * @returns {{ now: () => Promise<void>, stop: () => void }}
 */
export function follow(address, onNews, { everyMs = 4000, onStale = sayStale } = {}) {
  let tag = '', last = new Date(), failures = 0, stopped = false, timer = 0, asked = '';
  async function ask() {
    clearTimeout(timer);
    const url = typeof address === 'function' ? address() : address;
    if (url !== asked) tag = '';
    asked = url;
    try {
      const answer = await fetch(url, { headers: { Accept: 'application/json', ...(tag && { 'If-None-Match': tag }) } });
      if (answer.status === 401) location.reload();
      if (answer.status !== 304) {
        if (!answer.ok) throw new Error(String(answer.status));
        tag = answer.headers.get('ETag') ?? '';
        onNews(await answer.json());
      }
      if (failures) onStale(null);
      failures = 0;
      last = new Date();
    } catch {
      failures += 1;
      if (Date.now() - last.getTime() > STALE_AFTER_MS) onStale(last);
    }
    if (!stopped && !document.hidden) timer = window.setTimeout(ask, waitAfter(everyMs, failures));
  }
  const seen = () => { if (!document.hidden && !stopped) ask(); };
  document.addEventListener('visibilitychange', seen);
  timer = window.setTimeout(ask, everyMs);
  return { now: ask, stop: () => { stopped = true; clearTimeout(timer); document.removeEventListener('visibilitychange', seen); } };
}

/** The amber line under the head. @param {Date | null} since */
export function sayStale(since) {
  const line = document.getElementById('stale');
  if (!line) return;
  line.hidden = since === null;
  if (since) line.textContent = (line.dataset.words ?? '{time}').replace('{time}', since.toLocaleTimeString('en-GB', { hour: '2-digit', minute: '2-digit' }));
}

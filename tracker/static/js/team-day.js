// A team's day: one time cursor for the list and the sheet.

const root = document.getElementById('team-day');
const cursor = /** @type {HTMLInputElement | null} */ (root?.querySelector('[data-cursor]') ?? null);
if (root && cursor) followCursor(root, cursor);

/** @param {HTMLElement} root @param {HTMLInputElement} cursor */
function followCursor(root, cursor) {
  const timed = [...root.querySelectorAll('[data-minute]')].map((thing) => ({ thing, minute: Number(thing.getAttribute('data-minute')) }));
  if (!timed.length) return;
  const minutes = timed.map(({ minute }) => minute);
  cursor.min = String(Math.min(...minutes));
  cursor.max = String(Math.max(...minutes));
  cursor.value = cursor.max;
  cursor.closest('p')?.removeAttribute('hidden');
  const show = () => {
    const at = Number(cursor.value);
    for (const { thing, minute } of timed) thing.classList.toggle('later', minute > at);
    const out = cursor.parentElement?.querySelector('output');
    if (out) out.textContent = clockOf(at);
  };
  cursor.addEventListener('input', show);
  show();
}

/** 08:05 of the 485th minute. @param {number} minute */
export function clockOf(minute) {
  return `${String(Math.floor(minute / 60)).padStart(2, '0')}:${String(minute % 60).padStart(2, '0')}`;
}

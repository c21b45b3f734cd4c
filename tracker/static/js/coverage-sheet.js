// On phones the list (or the panel) is a sheet over the map: it is pulled up by its handle, which is a button too.

const SIZES = ['', 'is-half', 'is-full'];      // how much of the map the sheet covers
const A_TAP_PX = 6;

/** The next size when the handle is pressed: up step by step, then down again. @param {number} size */
export const nextSize = (size) => (size + 1) % SIZES.length;

/** The size after a pull. @param {number} size @param {number} upPx how far the finger went up @param {number} heightPx of the page */
export const sizeAfterPull = (size, upPx, heightPx) => {
  const steps = Math.round(upPx / (heightPx * 0.3)) || Math.sign(upPx);
  return Math.max(0, Math.min(SIZES.length - 1, size + steps));
};

/** @param {HTMLElement} root */
export function asSheet(root) {
  root.classList.add('has-sheet');
  let size = root.classList.contains('has-panel') ? 1 : 0, from = 0, pulled = false;
  const become = (/** @type {number} */ wanted) => {
    size = wanted;
    SIZES.forEach((name, n) => name && root.classList.toggle(name, n === size));
    for (const handle of root.querySelectorAll('[data-sheet]')) handle.setAttribute('aria-expanded', String(size > 0));
  };
  become(size);
  const handleAt = (/** @type {Event} */ event) => (event.target instanceof Element ? event.target.closest('[data-sheet]') : null);
  root.addEventListener('pointerdown', (event) => {
    const handle = handleAt(event);
    if (!handle) return;
    from = event.clientY;
    handle.setPointerCapture(event.pointerId);
  });
  root.addEventListener('pointerup', (event) => {
    pulled = Boolean(handleAt(event)) && Math.abs(event.clientY - from) > A_TAP_PX;
    if (pulled) become(sizeAfterPull(size, from - event.clientY, root.clientHeight));
  });
  root.addEventListener('click', (event) => {
    if (handleAt(event) && !pulled) become(nextSize(size));
    pulled = false;
  });
  new MutationObserver(() => {      // a panel that opens wants room; one that closes gives it back
    const wanted = root.classList.contains('has-panel');
    if (wanted !== root.hasAttribute('data-panel-open')) {
      root.toggleAttribute('data-panel-open', wanted);
      become(wanted ? Math.max(1, size) : 0);
    }
  }).observe(root, { attributes: true, attributeFilter: ['class'] });
  root.toggleAttribute('data-panel-open', root.classList.contains('has-panel'));
}

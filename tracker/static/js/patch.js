// Put new HTML in place of old, changing only what differs: focus, open popovers, scroll positions and selections stay.

const STATE = new Set(['hidden', 'open', 'aria-expanded', 'aria-pressed']);      // what script or reader changed since

/**
 * @param {Element} element whose content becomes `html`
 * @param {string} html
 * @param {boolean} glow let numbers that changed light up for a second
 */
export function patch(element, html, glow = false) {
  const wanted = document.createElement('template');
  wanted.innerHTML = html;
  sameChildren(element, wanted.content, glow);
}

/** @param {Node} now @param {Node} wanted @param {boolean} glow */
function sameChildren(now, wanted, glow) {
  const wishes = [...wanted.childNodes];
  let at = now.firstChild;
  for (const wish of wishes) {
    const match = at && alike(at, wish) ? at : sought(at, wish);
    if (!match) { now.insertBefore(wish, at); continue; }
    while (at && at !== match) { const next = at.nextSibling; at.remove(); at = next; }
    same(match, wish, glow);
    at = match.nextSibling;
  }
  while (at) { const next = at.nextSibling; at.remove(); at = next; }
}

/** A later sibling that stands for the same thing. @param {ChildNode | null} from @param {Node} wish */
function sought(from, wish) {
  const key = keyOf(wish);
  if (!key) return null;
  for (let node = from; node; node = node.nextSibling) if (keyOf(node) === key && node.nodeName === wish.nodeName) return node;
  return null;
}

/** @param {Node} node */
const keyOf = (node) => (node instanceof Element ? node.id || node.getAttribute('data-area') || node.getAttribute('data-settlement') || '' : '');

/** @param {Node} one @param {Node} other */
const alike = (one, other) => one.nodeName === other.nodeName && keyOf(one) === keyOf(other);

/** @param {Node} now @param {Node} wish @param {boolean} glow */
function same(now, wish, glow) {
  if (!(now instanceof Element) || !(wish instanceof Element)) {
    if (now.nodeValue !== wish.nodeValue) now.nodeValue = wish.nodeValue;
    return;
  }
  const before = glow && now.hasAttribute('data-number') ? now.textContent : null;
  for (const { name } of [...now.attributes]) if (!wish.hasAttribute(name) && !STATE.has(name) && name !== 'class') now.removeAttribute(name);
  for (const { name, value } of wish.attributes) if (now.getAttribute(name) !== value && !STATE.has(name)) now.setAttribute(name, value);
  if (!wish.hasAttribute('class')) now.removeAttribute('class');
  sameChildren(now, wish, glow);
  if (before !== null && before !== now.textContent) light(now);
}

/** @param {Element} element */
function light(element) {
  element.classList.remove('changed');
  requestAnimationFrame(() => element.classList.add('changed'));
  setTimeout(() => element.classList.remove('changed'), 1200);
}

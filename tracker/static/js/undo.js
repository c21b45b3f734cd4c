// After a change: a toast with Undo for ten seconds. Without script it stays at the head of the page.

const STAYS_MS = 10_000;

/** Turn the note of what was done into a toast that goes by itself, but never while somebody is at it. @param {HTMLFormElement} form */
export function offerUndo(form) {
  form.classList.add('toast');
  const gone = () => { form.hidden = true; };
  let timer = setTimeout(gone, STAYS_MS);
  const hold = () => clearTimeout(timer);
  const goOn = () => { hold(); timer = setTimeout(gone, STAYS_MS); };
  form.addEventListener('pointerenter', hold);
  form.addEventListener('focusin', hold);
  form.addEventListener('pointerleave', goOn);
  form.addEventListener('focusout', goOn);
}

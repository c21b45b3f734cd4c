// Long lists beside the main thing: open where there is room, folded on a phone.

const ROOM = '(width >= 1100px)';

/** @param {Document} page */
export function foldWhereNarrow(page) {
  if (matchMedia(ROOM).matches) return;
  for (const list of page.querySelectorAll('details.folds')) list.removeAttribute('open');
}

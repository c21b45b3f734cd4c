/** While the server works on something, look again every second; the page is shown anew when it is done. */
const LOOK_EVERY_MS = 1000;

/** The part of a page that says how far the work is; null when it is done. @param {Document} page */
const workingPart = (page) => page.querySelector('[data-working]');

async function lookAgain() {
  const answer = await fetch(window.location.href, { headers: { Accept: 'text/html' } }).catch(() => null);
  const here = workingPart(document);
  if (answer?.ok && here) {
    const there = workingPart(new DOMParser().parseFromString(await answer.text(), 'text/html'));
    if (!there) {
      window.location.reload();
      return;
    }
    here.replaceWith(there);
  }
  setTimeout(lookAgain, LOOK_EVERY_MS);
}

setTimeout(lookAgain, LOOK_EVERY_MS);

// What was typed survives: a page that is closed, a server that is gone, a session that ended. Kept on this computer under the
// person's number until the form has gone through; nothing is sent while nobody would take it.

const RETRY_MS = 5000;
const OF_FORM = 'rasai:draft';
const SENT = 'rasai:sent';

/** @typedef {Record<string, string[]>} Draft values by field */

/** @param {Document} page */
export function keepWhatIsTyped(page) {
  const who = page.body.dataset.who;
  if (!who) return;
  const sent = sessionStorage.getItem(SENT);
  sessionStorage.removeItem(SENT);
  const refused = page.querySelector('.flash .error, .problem');
  if (sent && !refused) localStorage.removeItem(sent);
  for (const form of /** @type {NodeListOf<HTMLFormElement>} */ (page.querySelectorAll('form[data-keep]'))) keep(form, `${OF_FORM}:${who}:${location.pathname}:${form.dataset.keep}`);
}

/** @param {HTMLFormElement} form @param {string} key */
function keep(form, key) {
  const words = /** @type {Record<string, string>} */ (JSON.parse(document.body.dataset.keepWords ?? '{}'));
  const draft = read(key);
  const empty = valuesOf(form);
  if (draft && !same(draft, empty)) {
    if (fill(form, draft)) note(form, words.again ?? '', words.discard ?? '', () => { localStorage.removeItem(key); fill(form, empty); clear(form); });
  }
  form.addEventListener('input', () => save(key, form, empty));
  form.addEventListener('change', () => save(key, form, empty));
  let checked = false;
  form.addEventListener('submit', async (event) => {
    save(key, form, empty);
    if (checked) { sessionStorage.setItem(SENT, key); return; }
    event.preventDefault();
    const { submitter } = event;
    const answer = await whoAmI();
    if (answer === 'signed in') { checked = true; form.requestSubmit(submitter instanceof HTMLElement ? submitter : null); checked = false; return; }
    if (answer === 'signed out') {
      note(form, words.out ?? '', words.sign_in ?? '', () => location.assign(`/login?next=${encodeURIComponent(location.pathname + location.search)}`));
      return;
    }
    note(form, words.gone ?? '');
    const timer = setInterval(async () => {
      if (await whoAmI() === 'gone') return;
      clearInterval(timer);
      note(form, words.back ?? '');
    }, RETRY_MS);
  });
}

/** @returns {Promise<'signed in' | 'signed out' | 'gone'>} */
async function whoAmI() {
  try {
    const answer = await fetch('/session', { headers: { Accept: 'application/json' }, cache: 'no-store' });
    if (answer.ok) return 'signed in';
    return answer.status === 401 ? 'signed out' : 'gone';
  } catch {
    return 'gone';
  }
}

/** Fields that a person fills in. @param {HTMLFormElement} form */
function* fieldsOf(form) {
  for (const field of form.elements) {
    if (field instanceof HTMLTextAreaElement || field instanceof HTMLSelectElement) yield field;
    if (field instanceof HTMLInputElement && !['hidden', 'password', 'file', 'submit', 'button'].includes(field.type)) yield field;
  }
}

/** @param {HTMLFormElement} form @returns {Draft} */
export function valuesOf(form) {
  /** @type {Draft} */
  const values = {};
  for (const field of fieldsOf(form)) {
    if (!field.name) continue;
    values[field.name] ??= [];
    const choice = field instanceof HTMLInputElement && (field.type === 'checkbox' || field.type === 'radio');
    if (!choice || /** @type {HTMLInputElement} */ (field).checked) values[field.name].push(field.value);
  }
  return values;
}

/** Put a draft into the form; whether anything differed. @param {HTMLFormElement} form @param {Draft} draft */
function fill(form, draft) {
  let changed = false;
  for (const field of fieldsOf(form)) {
    const kept = draft[field.name];
    if (!kept) continue;
    if (field instanceof HTMLInputElement && (field.type === 'checkbox' || field.type === 'radio')) {
      const wish = kept.includes(field.value);
      changed ||= wish !== field.checked;
      field.checked = wish;
      if (wish) field.dispatchEvent(new Event('change', { bubbles: true }));
    } else if (kept[0] !== undefined && field.value !== kept[0]) { field.value = kept[0]; changed = true; }
  }
  return changed;
}

/** @param {string} key @param {HTMLFormElement} form @param {Draft} empty */
function save(key, form, empty) {
  const values = valuesOf(form);
  try {
    if (same(values, empty)) localStorage.removeItem(key);
    else localStorage.setItem(key, JSON.stringify(values));
  } catch { /* no room on this computer: the page itself still holds the text */ }
}

/** @param {string} key @returns {Draft | null} */
function read(key) {
  try { return JSON.parse(localStorage.getItem(key) ?? 'null'); } catch { return null; }
}

/** @param {Draft} one @param {Draft} other */
export const same = (one, other) => JSON.stringify(one) === JSON.stringify(other);

/** One line above the form, in place of the one before. @param {HTMLFormElement} form @param {string} words @param {string} [button] @param {() => void} [act] */
function note(form, words, button, act) {
  clear(form);
  const line = document.createElement('p');
  line.className = 'kept-note';
  line.setAttribute('role', 'status');
  line.append(words);
  if (button && act) {
    const press = document.createElement('button');
    press.type = 'button';
    press.className = 'button small';
    press.textContent = button;
    press.addEventListener('click', act);
    line.append(' ', press);
  }
  form.prepend(line);
}

/** @param {HTMLFormElement} form */
const clear = (form) => form.querySelector('.kept-note')?.remove();

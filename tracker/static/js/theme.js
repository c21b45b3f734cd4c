// Light, dark, or as the system says: at once, and kept in a cookie that the server reads.

const A_YEAR_S = 365 * 24 * 3600;
const MEDIA = { light: 'not all', dark: 'screen', '': 'screen and (prefers-color-scheme: dark)' };

/** For which media the dark tokens hold. @param {string} theme light, dark, or empty for the system's choice */
export const darkMedia = (theme) => MEDIA[/** @type {keyof typeof MEDIA} */ (theme)] ?? MEDIA[''];

/** @param {HTMLFormElement} form with one button per theme */
export function chooseTheme(form) {
  form.addEventListener('submit', (event) => {
    const button = event.submitter;
    if (!(button instanceof HTMLButtonElement)) return;
    event.preventDefault();
    const theme = button.value;
    document.cookie = `theme=${theme}; Path=/; SameSite=Lax; Max-Age=${theme ? A_YEAR_S : 0}`;
    /** @type {HTMLLinkElement | null} */ (document.querySelector('link#dark'))?.setAttribute('media', darkMedia(theme));
    if (theme) document.documentElement.dataset.theme = theme;
    else delete document.documentElement.dataset.theme;
    for (const other of form.querySelectorAll('button[name=theme]')) other.setAttribute('aria-pressed', String(other === button));
    document.dispatchEvent(new CustomEvent('rasai:theme', { detail: { theme } }));      // a map redraws
  });
}

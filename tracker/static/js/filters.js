// A filter form that submits itself as soon as something is chosen; its button is for those without script.

/** @param {Document} page */
export function submitThemselves(page) {
  for (const form of page.querySelectorAll('form[data-submits-itself]')) {
    if (!(form instanceof HTMLFormElement)) continue;
    form.querySelector('button')?.classList.add('visually-hidden-until-focus');
    form.addEventListener('change', () => form.requestSubmit());
    form.addEventListener('submit', () => leaveOutEmpty(form));
  }
}

/** Empty choices do not belong in the address. @param {HTMLFormElement} form */
function leaveOutEmpty(form) {
  for (const field of form.elements) {
    if ((field instanceof HTMLSelectElement || field instanceof HTMLInputElement) && field.value === '') field.disabled = true;
  }
}

// A button beside the password that shows what was typed.

/** @param {Element} around the field, with the words of the button */
export function offerToShow(around) {
  const field = around.querySelector('input');
  if (!field || !(around instanceof HTMLElement)) return;
  const button = document.createElement('button');
  button.type = 'button';
  button.className = 'button';
  const say = () => { button.textContent = (field.type === 'password' ? around.dataset.show : around.dataset.hide) ?? ''; };
  button.addEventListener('click', () => {
    field.type = field.type === 'password' ? 'text' : 'password';
    button.setAttribute('aria-pressed', String(field.type === 'text'));
    say();
  });
  say();
  around.append(button);
}

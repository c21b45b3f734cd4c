// What every page has: "/" finds, "g" and a letter goes, "?" lists the keys, a choice of light or dark, selects that
// submit their form, and ten seconds to undo. Each page works without it.
import { followKeys } from './keys.js';
import { chooseTheme } from './theme.js';
import { offerUndo } from './undo.js';
import { suggest } from './find.js';
import { submitThemselves } from './filters.js';
import { offerToShow } from './password.js';
import { foldWhereNarrow } from './folds.js';
import { keepWhatIsTyped } from './keep.js';
import { follow } from './live.js';

/** Forms that say in an attribute what they want of us. @param {string} wish @returns {NodeListOf<HTMLFormElement>} */
const formsWith = (wish) => document.querySelectorAll(`form[${wish}]`);

foldWhereNarrow(document);
followKeys(document);
submitThemselves(document);
formsWith('data-theme-choice').forEach(chooseTheme);
formsWith('data-undo').forEach(offerUndo);
formsWith('data-find').forEach(suggest);
document.querySelectorAll('[data-show-password]').forEach(offerToShow);
keepWhatIsTyped(document);
// pages whose figures do not follow by themselves still say when the server is silent
if (document.body.dataset.who && !document.querySelector('[data-parts]')) follow('/session', () => {}, { everyMs: 30_000 });

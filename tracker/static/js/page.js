// What every page has: "/" finds, "g" and a letter goes, "?" lists the keys, a choice of light or dark, selects that
// submit their form, and ten seconds to undo. Each page works without it.
import { followKeys } from './keys.js';
import { chooseTheme } from './theme.js';
import { offerUndo } from './undo.js';
import { suggest } from './find.js';
import { submitThemselves } from './filters.js';
import { offerToShow } from './password.js';
import { foldWhereNarrow } from './folds.js';

foldWhereNarrow(document);
followKeys(document);
submitThemselves(document);
for (const form of document.querySelectorAll('form[data-theme-choice]')) chooseTheme(form);
for (const form of document.querySelectorAll('form[data-undo]')) offerUndo(form);
for (const form of document.querySelectorAll('form[data-find]')) suggest(form);
for (const field of document.querySelectorAll('[data-show-password]')) offerToShow(field);

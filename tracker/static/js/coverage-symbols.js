// The status symbols as images for the map: from the page's own drawing, in its colours, with a casing so that they stand
// on any ground.
import { SYMBOL_PX } from './coverage-style.js';

const STATUSES = ['missed', 'partly', 'doubtful', 'covered', 'not_started'];
const CASING = {      // the symbol's outline in its 24 × 24 box
  missed: '<path d="M12 1.6 22.4 12 12 22.4 1.6 12Z" stroke-linejoin="round"/>', partly: '<circle cx="12" cy="12" r="9.6"/>',
  doubtful: '<rect x="1.8" y="1.8" width="20.4" height="20.4" rx="4.6"/>', covered: '<circle cx="12" cy="12" r="10.4"/>', not_started: '<circle cx="12" cy="12" r="9.4"/>',
};
const PIXEL_RATIO = 2;
const STRIPES = '<path d="M3 0v28M8 0v28M13 0v28M18 0v28M23 0v28" stroke="EDGE" stroke-width="1.5"/>';

/**
 * @param {import('../vendor/maplibre-gl/maplibre-gl.d.mts').Map} map
 * @param {string} drawing address of symbols.svg @param {import('./coverage-style.js').Colours} colours @param {string} theme
 */
export async function addSymbols(map, drawing, colours, theme) {
  const svg = new DOMParser().parseFromString(await (await fetch(drawing)).text(), 'image/svg+xml');
  await Promise.all(STATUSES.flatMap((status) => {
    const inner = inColours(svg.getElementById(status)?.innerHTML ?? '', colours);
    return [false, true].map(async (silent) => addImage(map, `${status}${silent ? '-silent' : ''}-${theme}`, symbol(status, inner, silent, colours)));
  }));
  await addImage(map, `hidden-${theme}`, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 28 28"><circle cx="14" cy="14" r="6" fill="${colours.card}" stroke="${colours.edge}" stroke-width="2"/></svg>`);
  await addImage(map, `stripes-${theme}`, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 28 28">${STRIPES.replace('EDGE', colours.edge)}</svg>`);
}

/** @param {string} status @param {string} inner @param {boolean} silent @param {import('./coverage-style.js').Colours} colours */
function symbol(status, inner, silent, colours) {
  const casing = CASING[/** @type {keyof typeof CASING} */ (status)];
  const ground = silent
    ? `<circle cx="14" cy="14" r="13.5" fill="${colours.card}"/><g clip-path="circle(13.5px at 14px 14px)">${STRIPES.replace('EDGE', colours.edge)}</g><g transform="translate(5 5) scale(.75)">`
    : '<g transform="translate(2 2)">';
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 28 28">${ground}<g fill="${colours.card}" stroke="${colours.card}" stroke-width="4">${casing}</g>${inner}</g></svg>`;
}

/** @param {string} drawing @param {import('./coverage-style.js').Colours} colours */
export const inColours = (drawing, colours) => drawing.replace(/var\(--([\w-]+)\)/g, (_, name) => colours[name] ?? 'currentColor');

/** @param {import('../vendor/maplibre-gl/maplibre-gl.d.mts').Map} map @param {string} name @param {string} svg */
async function addImage(map, name, svg) {
  const side = SYMBOL_PX * PIXEL_RATIO;
  const image = new Image(side, side);
  image.src = `data:image/svg+xml,${encodeURIComponent(svg.replace('<svg ', `<svg width="${side}" height="${side}" `))}`;
  await image.decode();
  if (!map.hasImage(name)) map.addImage(name, image, { pixelRatio: PIXEL_RATIO });
}

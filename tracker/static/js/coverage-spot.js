// What lies under a finger on the map? One thing opens; several on one spot open as a list.

const REACH_PX = 10;
const LAYERS = ['visits', 'settlements', 'covered', 'spots', 'covered-spots', 'circles'];

/** @typedef {{ key: string, name: string, note: string, address: string }} Place */

/**
 * @param {import('../vendor/maplibre-gl/maplibre-gl.d.mts').Map} map @param {{ x: number, y: number }} point
 * @param {import('./coverage-map.js').RasaiMap} element @returns {Place[]} each once, visits first
 */
export function placesIn(map, point, element) {
  const layers = LAYERS.filter((name) => map.getLayer(name));
  const box = /** @type {[[number, number], [number, number]]} */ ([[point.x - REACH_PX, point.y - REACH_PX], [point.x + REACH_PX, point.y + REACH_PX]]);
  /** @type {Map<string, Place>} */
  const found = new Map();
  for (const feature of map.queryRenderedFeatures(box, { layers })) {
    const place = placeOf(feature, element);
    if (place && !found.has(place.key)) found.set(place.key, place);
  }
  return [...found.values()];
}

/** @param {import('../vendor/maplibre-gl/maplibre-gl.d.mts').MapGeoJSONFeature} feature @param {import('./coverage-map.js').RasaiMap} element @returns {Place | null} */
function placeOf({ layer, properties: it }, element) {
  const { words, data } = element;
  if (layer.id === 'visits') {
    const asks = String(it.flags ?? '').split(';').filter(Boolean).map((rule) => words.rules[rule] ?? rule);
    const accuracy = it.accuracy_m === undefined ? '' : words.accuracy.replace('{n}', Math.round(it.accuracy_m));
    const children = words.children.replace('{given}', it.vaccinated).replace('{seen}', it.children_eligible);
    return { key: it.instance_id, name: `${words.standing[it.standing]} · ${children}`, note: [accuracy, ...asks].filter(Boolean).join(' · '), address: '' };
  }
  if (layer.id === 'circles') {
    const area = data.areas.find(({ id }) => id === it.id);
    return area ? { key: `area ${area.id}`, name: area.name, note: words.not_reached.replace('{n}', area.unreached.toLocaleString('en')), address: area.address } : null;
  }
  const note = it.no_word ? words.no_word : it.unreached === undefined ? '' : words.not_reached.replace('{n}', Number(it.unreached).toLocaleString('en'));
  const name = (element.rtl && it.name_ur) || it.name || it.code;
  return { key: it.code, name, note, address: data.settlement_address.replace('SETTLEMENT', encodeURIComponent(it.code)) };
}

/**
 * The list of what lies here, as links.
 * @param {Place[]} places @param {{ x: number, y: number }} point @param {import('./coverage-map.js').RasaiMap} element
 */
export function listHere(places, point, element) {
  const box = document.createElement('div');
  box.className = 'at-spot';
  box.dir = element.rtl ? 'rtl' : 'ltr';
  box.setAttribute('role', 'dialog');
  box.setAttribute('aria-label', element.words.here);
  const head = document.createElement('h3');
  head.textContent = `${element.words.here} · ${places.length}`;
  const close = document.createElement('button');
  close.type = 'button';
  close.className = 'icon-button';
  close.setAttribute('aria-label', element.words.close);
  close.textContent = '×';
  close.addEventListener('click', () => box.remove());
  head.append(close);
  const list = document.createElement('ul');
  list.append(...places.map((place) => item(place, element, box)));
  box.append(head, list);
  box.addEventListener('keydown', (event) => { if (event.key === 'Escape') { event.preventDefault(); box.remove(); element.map?.getCanvas().focus(); } });
  box.style.left = `${Math.max(8, Math.min(point.x, element.clientWidth - 230))}px`;
  box.style.top = `${Math.max(8, Math.min(point.y, element.clientHeight - 230))}px`;
  requestAnimationFrame(() => /** @type {HTMLElement | null} */ (box.querySelector('a, button'))?.focus());
  return box;
}

/** @param {Place} place @param {import('./coverage-map.js').RasaiMap} element @param {HTMLElement} box */
function item(place, element, box) {
  const row = document.createElement('li');
  const inner = document.createElement(place.address ? 'a' : 'span');
  if (inner instanceof HTMLAnchorElement) {
    inner.href = place.address;
    inner.className = 'plain';
    inner.addEventListener('click', (event) => { event.preventDefault(); event.stopPropagation(); box.remove(); element.go(place.address); });
  }
  const words = document.createElement('span');
  const note = document.createElement('small');
  words.textContent = place.name;
  note.textContent = place.note;
  words.append(note);
  inner.append(words);
  row.append(inner);
  return row;
}

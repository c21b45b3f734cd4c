// How the coverage map is drawn, as a MapLibre style made from the page's own colours. Pure: nothing is fetched here.

export const SETTLEMENTS_FROM = 9;      // zooms as in tracker/coverage/tile_layers.py
export const NAMES_FROM = 11;
export const VISITS_FROM = 13;
const SMALL = 0.6;      // a map whose circles are that small names only the worst areas
const NAMED_ON_SMALL = 2;
const EARTH_M = 40_075_016.69;

/** @typedef {Record<string, string>} Colours name of a CSS variable without its dashes: value */
/** @typedef {import('../vendor/maplibre-gl/maplibre-gl.d.mts').StyleSpecification} Style */
/** @typedef {any} Expression as MapLibre reads it; its own type is too deep for computed ones */
/** @typedef {{ type: 'Feature', id: number, geometry: { type: 'Point', coordinates: [number, number] }, properties: Record<string, unknown> }} Dot */
/** @typedef {{ type: 'FeatureCollection', features: Dot[] }} Dots */
/** @typedef {import('./coverage-map.js').MapData} MapData */

/** Radius in pixels of a circle whose area is in proportion to so many children. @param {number} children @param {number} [scale] less on a small map */
export const radiusOf = (children, scale = 1) => (children > 0 ? Math.min(30, Math.max(3.5 * scale, 0.537 * scale * Math.sqrt(children))) : 0);

/** Side in pixels of a settlement's symbol: 12 to 28, covered ones stay small. */
const SIDE = /** @type {Expression} */ (['interpolate', ['linear'], ['sqrt', ['coalesce', ['get', 'unreached'], 0]], 0, 13, 4, 17, 8, 24, 11, 28]);
export const SYMBOL_PX = 28;

/** Pixels of a 512 px tile map that so many metres take at zoom 0 in the middle latitudes of the campaign. @param {number} lat */
const pxPerMetreAtZoom0 = (lat) => 512 / (EARTH_M * Math.cos((lat * Math.PI) / 180));

/** @param {readonly string[]} colours from the worst class to the best @param {string} none */
const byClass = (colours, none) => /** @type {Expression} */ (['match', ['coalesce', ['feature-state', 'class'], -1], ...colours.flatMap((colour, n) => [n, colour]), none]);

/**
 * @param {MapData} data @param {Colours} c @param {{ theme: string, tiles: string, fonts: { medium: string[], strong: string[] } }} how
 *   theme names the images of the symbols; tiles is where they come from, with origin
 * @returns {Style}
 */
export function styleOf(data, c, { theme, tiles, fonts }) {
  const scale = data.measure === 'check' ? ['check-5', 'check-4', 'check-3', 'check-2', 'check-1'] : ['ramp-1', 'ramp-2', 'ramp-3', 'ramp-4', 'ramp-5'];
  const query = data.until ? `?until=${data.until}` : '';
  const middle = data.box ? (data.box[1] + data.box[3]) / 2 : 34;
  /** @type {Style['sources']} */
  const sources = {
    settlements: { type: 'vector', tiles: [`${tiles}/settlements/{z}/{x}/{y}.mvt${query}`], minzoom: 0, maxzoom: 14 },
    circles: { type: 'geojson', data: circlesOf(data) },
    spots: { type: 'geojson', data: spotsOf(data) },
  };
  for (const level of data.outlines) sources[`areas-${level}`] = { type: 'vector', tiles: [`${tiles}/areas/{z}/{x}/{y}.mvt?level=${level}`], minzoom: 0, maxzoom: 12 };
  if (data.sees_visits) sources.visits = { type: 'vector', tiles: [`${tiles}/visits/{z}/{x}/{y}.mvt${query}`], minzoom: VISITS_FROM, maxzoom: 16 };
  const drawsAreas = data.level !== 'settlement';
  /** @type {Style['layers']} */
  const layers = [{ id: 'outside', type: 'background', paint: { 'background-color': c.outside } }];
  if (data.ground) layers.push({
    id: 'land', type: 'fill', source: `areas-${data.ground.level}`, 'source-layer': 'areas', filter: ['in', ['id'], ['literal', data.ground.ids]],
    paint: { 'fill-color': c.land, 'fill-antialias': false },
  });
  if (drawsAreas && data.outlines.includes(data.level)) layers.push(...areaLayers(`areas-${data.level}`, c, byClass(scale.map((name) => c[name]), c.land), theme));
  layers.push(...outlineLayers(data, c, drawsAreas));
  if (data.area && data.outlines.includes(data.area.level)) layers.push(...chosenLayers(data.area, c, drawsAreas));
  if (drawsAreas) layers.push(...circleLayers(c, fonts, (data.scale ?? 1) < SMALL ? NAMED_ON_SMALL : Infinity));
  else layers.push(...settlementLayers(data, c, theme, fonts));
  if (data.only_spots) {
    sources.crowds = { type: 'geojson', data: crowdsOf(data) };
    sources.lit = { type: 'geojson', data: { type: 'FeatureCollection', features: [] } };
    layers.push(...crowdLayers(c));
  }
  if (data.sees_visits) layers.push(...visitLayers(c, pxPerMetreAtZoom0(middle)));
  if (data.settlement) sources.chosen = { type: 'geojson', data: { type: 'FeatureCollection', features: [pointOf(data.settlement)] } };
  if (data.settlement) layers.push({
    id: 'chosen-settlement', type: 'circle', source: 'chosen', paint: { 'circle-radius': 19, 'circle-color': 'rgba(0,0,0,0)', 'circle-stroke-color': c.ink, 'circle-stroke-width': 2.6 },
  });
  return { version: 8, sources, layers, transition: { duration: 0, delay: 0 } };
}

/** @param {string} source @param {Colours} c @param {Expression} colour @param {string} theme @returns {Style['layers']} */
const areaLayers = (source, c, colour, theme) => [
  { id: 'areas', type: 'fill', source, 'source-layer': 'areas', paint: {
    'fill-color': colour, 'fill-antialias': false,
    'fill-opacity': ['case', ['!', ['boolean', ['feature-state', 'own'], false]], 0, ['boolean', ['feature-state', 'dim'], false], 0.28, 1],
  } },
  { id: 'areas-silent', type: 'fill', source, 'source-layer': 'areas', paint: {
    'fill-pattern': `stripes-${theme}`, 'fill-opacity': ['case', ['boolean', ['feature-state', 'silent'], false], 1, 0],
  } },
  { id: 'areas-edge', type: 'line', source, 'source-layer': 'areas', layout: { 'line-join': 'round' }, paint: {
    'line-color': ['case', ['boolean', ['feature-state', 'own'], false], c.card, c.rule], 'line-width': ['interpolate', ['linear'], ['zoom'], 5, 1, 9, 2],
  } },
  { id: 'areas-lit', type: 'line', source, 'source-layer': 'areas', paint: {
    'line-color': c.ink, 'line-width': 2, 'line-opacity': ['case', ['boolean', ['feature-state', 'lit'], false], 1, 0],
  } },
];

/** Borders of the other levels, the coarser the stronger. @param {MapData} data @param {Colours} c @param {boolean} drawsAreas @returns {Style['layers']} */
function outlineLayers(data, c, drawsAreas) {
  const others = data.outlines.filter((level) => !drawsAreas || data.outlines.indexOf(level) < data.outlines.indexOf(data.level));
  return others.reverse().map((level, fromFine) => ({
    id: `outline-${level}`, type: 'line', source: `areas-${level}`, 'source-layer': 'areas', layout: { 'line-join': 'round' },
    paint: { 'line-color': c.edge, 'line-width': fromFine === others.length - 1 ? 1.3 : 0.8, 'line-opacity': fromFine === others.length - 1 ? 0.9 : 0.5 },
  }));
}

/** @param {{ id: number, level: string }} area @param {Colours} c @param {boolean} drawsAreas @returns {Style['layers']} */
function chosenLayers(area, c, drawsAreas) {
  const of = { source: `areas-${area.level}`, 'source-layer': 'areas', filter: /** @type {Expression} */ (['==', ['id'], area.id]) };
  const lines = /** @type {Style['layers']} */ ([
    { id: 'chosen-casing', type: 'line', ...of, layout: { 'line-join': 'round' }, paint: { 'line-color': c.card, 'line-width': 6 } },
    { id: 'chosen', type: 'line', ...of, layout: { 'line-join': 'round' }, paint: { 'line-color': c.ink, 'line-width': 2.6 } },
  ]);
  const ground = /** @type {Style['layers']} */ ([{ id: 'chosen-ground', type: 'fill', ...of, paint: { 'fill-color': c.card, 'fill-antialias': false } }]);
  return drawsAreas ? lines : [...ground, ...lines];
}

/** @param {Colours} c @param {{ medium: string[], strong: string[] }} fonts @param {number} named how many areas have their name @returns {Style['layers']} */
const circleLayers = (c, fonts, named) => [
  { id: 'circles', type: 'circle', source: 'circles', layout: { 'circle-sort-key': ['-', 0, ['get', 'unreached']] }, paint: {
    'circle-radius': ['get', 'radius'], 'circle-color': c.card, 'circle-stroke-color': c.ink, 'circle-stroke-width': 1.5,
    'circle-opacity': ['case', ['get', 'dim'], 0.35, 0.94], 'circle-stroke-opacity': ['case', ['get', 'dim'], 0.35, 1],
  } },
  { id: 'circle-numbers', type: 'symbol', source: 'circles', filter: ['all', ['>=', ['get', 'radius'], 10], ['!', ['get', 'dim']]], layout: {
    'text-field': ['get', 'number'], 'text-font': fonts.strong, 'text-size': ['interpolate', ['linear'], ['get', 'radius'], 10, 10.5, 18, 13.5, 28, 17],
    'text-allow-overlap': true, 'text-ignore-placement': true,
  }, paint: { 'text-color': c.ink } },
  { id: 'area-names', type: 'symbol', source: 'circles', filter: ['all', ['!', ['get', 'dim']], ['<', ['get', 'rank'], Math.min(named, 1e6)]], layout: {
    'text-field': ['case', ['>=', ['get', 'radius'], 10], ['get', 'name'], ['format', ['get', 'name'], {}, '  ', {}, ['get', 'number'], { 'text-font': ['literal', fonts.strong] }]],
    'text-font': fonts.medium, 'text-size': 12.5, 'text-max-width': 7, 'text-variable-anchor': ['top', 'bottom', 'right', 'left'], 'text-radial-offset': ['/', ['+', ['get', 'radius'], 3], 12.5],
    'text-justify': 'auto', 'symbol-sort-key': ['-', 0, ['get', 'unreached']], 'text-padding': 3,
  }, paint: { 'text-color': c.ink, 'text-halo-color': c.card, 'text-halo-width': 1.6 } },
];

/** @param {MapData} data @param {Colours} c @param {string} theme @param {{ medium: string[], strong: string[] }} fonts @returns {Style['layers']} */
function settlementLayers(data, c, theme, fonts) {
  const meant = /** @type {any[]} */ (['all']);
  if (data.statuses.length) meant.push(['in', ['get', 'status'], ['literal', data.statuses]]);
  if (data.silent_only) meant.push(['boolean', ['get', 'no_word'], false]);
  if (data.team) meant.push(['==', ['get', 'team'], data.team]);
  const inside = data.area ? /** @type {any} */ (['in', ['get', 'area'], ['literal', data.area.inside]]) : true;
  const opacity = /** @type {any} */ (data.area ? ['case', inside, 1, 0.35] : 1);
  const quiet = /** @type {any} */ (['==', ['get', 'status'], 'covered']);
  const of = /** @type {const} */ ({ source: 'settlements', 'source-layer': 'settlements', minzoom: SETTLEMENTS_FROM });
  const icons = /** @type {any} */ ({
    'icon-image': ['concat', ['coalesce', ['get', 'status'], 'hidden'], ['case', ['boolean', ['get', 'no_word'], false], '-silent', ''], `-${theme}`],
    'icon-size': ['/', SIDE, SYMBOL_PX], 'icon-allow-overlap': true, 'icon-ignore-placement': true, 'symbol-sort-key': ['coalesce', ['get', 'unreached'], 0],
  });
  const names = /** @type {any} */ ({
    'text-field': ['coalesce', ['get', 'name'], ''], 'text-font': fonts.medium, 'text-size': 12.5, 'text-variable-anchor': ['left', 'right', 'top', 'bottom'],
    'text-radial-offset': ['/', ['+', ['/', SIDE, 2], 3], 12.5], 'text-max-width': 9, 'text-justify': 'auto', 'symbol-sort-key': ['-', 0, ['coalesce', ['get', 'unreached'], 0]], 'text-padding': 3,
  });
  const ink = { 'text-color': c.ink, 'text-halo-color': c.card, 'text-halo-width': 1.6 };
  const far = data.only_spots ? 24 : SETTLEMENTS_FROM, named = data.only_spots ? 24 : NAMES_FROM;
  const layers = /** @type {Style['layers']} */ ([
    { id: 'far-settlements', type: 'circle', source: 'settlements', 'source-layer': 'settlements', maxzoom: SETTLEMENTS_FROM,
      filter: data.statuses.length || data.silent_only || data.team ? ['==', ['get', 'settlements'], -1] : ['has', 'settlements'],
      paint: { 'circle-radius': ['interpolate', ['linear'], ['sqrt', ['get', 'settlements']], 1, 2.2, 6, 5], 'circle-color': c.covered, 'circle-opacity': 0.45 } },
    { id: 'covered', type: 'circle', ...of, filter: [...meant, quiet], paint: { 'circle-radius': ['interpolate', ['linear'], ['zoom'], 9, 3.2, 13, 5.5], 'circle-color': c.covered, 'circle-stroke-color': c.card, 'circle-stroke-width': 1, 'circle-opacity': opacity, 'circle-stroke-opacity': opacity } },
    { id: 'settlements', type: 'symbol', ...of, filter: [...meant, ['!', quiet]], layout: icons, paint: { 'icon-opacity': opacity } },
    { id: 'spots', type: 'symbol', source: 'spots', maxzoom: far, filter: ['!', quiet], layout: { ...icons, 'icon-size': ['*', 0.85, icons['icon-size']] } },
    { id: 'covered-spots', type: 'circle', source: 'spots', maxzoom: far, filter: quiet, paint: { 'circle-radius': 3.2, 'circle-color': c.covered, 'circle-stroke-color': c.card, 'circle-stroke-width': 1 } },
    { id: 'spot-names', type: 'symbol', source: 'spots', maxzoom: named, filter: ['!', quiet], layout: names, paint: ink },
    { id: 'settlement-names', type: 'symbol', ...of, minzoom: NAMES_FROM, filter: meant, layout: { ...names, 'text-field': data.in_own_script ? ['coalesce', ['get', 'name_ur'], ['get', 'name'], ''] : names['text-field'] }, paint: { ...ink, 'text-opacity': opacity } },
  ]);
  return data.only_spots ? layers.filter(({ id }) => id !== 'settlements' && id !== 'settlement-names') : layers;
}

/** Refusals crowd inside a dashed line; the settlement whose row is pointed at has a ring. @param {Colours} c @returns {Style['layers']} */
const crowdLayers = (c) => [
  { id: 'crowds', type: 'line', source: 'crowds', paint: { 'line-color': c.ink, 'line-width': 2, 'line-dasharray': [2, 1.5] } },
  { id: 'lit-spot', type: 'circle', source: 'lit', paint: { 'circle-radius': 17, 'circle-color': 'rgba(0,0,0,0)', 'circle-stroke-color': c.ink, 'circle-stroke-width': 2.6 } },
];

/** @param {Colours} c @param {number} pxPerMetre at zoom 0 @returns {Style['layers']} */
function visitLayers(c, pxPerMetre) {
  const colour = /** @type {any} */ (['match', ['get', 'standing'], 'valid', c.covered, 'doubtful', c.doubtful, c.edge]);
  const at = (/** @type {number} */ zoom) => /** @type {any} */ (['*', ['coalesce', ['get', 'accuracy_m'], 0], pxPerMetre * 2 ** zoom]);
  return [
    { id: 'visit-discs', type: 'circle', source: 'visits', 'source-layer': 'visits', minzoom: VISITS_FROM, paint: {
      'circle-radius': ['interpolate', ['exponential', 2], ['zoom'], VISITS_FROM, at(VISITS_FROM), 22, at(22)], 'circle-color': colour, 'circle-opacity': 0.1, 'circle-stroke-color': colour, 'circle-stroke-width': 0.8, 'circle-stroke-opacity': 0.45,
    } },
    { id: 'visits', type: 'circle', source: 'visits', 'source-layer': 'visits', minzoom: VISITS_FROM, paint: {
      'circle-radius': ['interpolate', ['linear'], ['zoom'], VISITS_FROM, 2.4, 17, 5], 'circle-color': colour, 'circle-stroke-color': c.card, 'circle-stroke-width': 1,
    } },
  ];
}

/** @param {MapData} data @returns {Dots} */
export const circlesOf = (data) => ({
  type: 'FeatureCollection',
  features: data.areas.filter((area) => area.unreached > 0).map((area, rank) => ({
    type: 'Feature', id: area.id, geometry: { type: 'Point', coordinates: [area.lon, area.lat] },
    properties: { id: area.id, name: area.name, unreached: area.unreached, number: area.unreached.toLocaleString('en'), radius: radiusOf(area.unreached, data.scale), dim: isDim(area, data), rank },
  })),
});

/** Not in the chosen class, or not inside the area in the middle. @param {import('./coverage-map.js').AreaOnMap} area @param {MapData} data */
export const isDim = (area, data) => area.dim || Boolean(data.area && data.area.level !== data.level && !data.area.inside.includes(area.id));

/** @param {MapData} data @returns {Dots} */
export const spotsOf = (data) => ({ type: 'FeatureCollection', features: data.spots.map(pointOf) });

const CORNERS = 48;      // of a circle

/** Circles as lines, in degrees. @param {MapData} data @returns {any} */
export const crowdsOf = (data) => ({
  type: 'FeatureCollection',
  features: (data.clusters ?? []).map(({ lon, lat, radius_m: metres, ...properties }) => ({
    type: 'Feature', properties, geometry: { type: 'LineString', coordinates: Array.from({ length: CORNERS + 1 }, (_, n) => {
      const angle = (2 * Math.PI * n) / CORNERS, degrees = (metres / EARTH_M) * 360;
      return [lon + (degrees * Math.cos(angle)) / Math.cos((lat * Math.PI) / 180), lat + degrees * Math.sin(angle)];
    }) },
  })),
});

/** @param {import('./coverage-map.js').Spot} spot @returns {Dot} */
const pointOf = (spot) => ({ type: 'Feature', id: spot.id, geometry: { type: 'Point', coordinates: [spot.lon, spot.lat] }, properties: { ...spot } });

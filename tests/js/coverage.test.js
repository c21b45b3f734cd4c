// What the coverage page computes in the browser: circles, scale bar, colours of symbols, sizes of the sheet.
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { scaleOf } from '../../tracker/static/js/coverage-scale.js';
import { nextSize, sizeAfterPull } from '../../tracker/static/js/coverage-sheet.js';
import { circlesOf, isDim, radiusOf, styleOf } from '../../tracker/static/js/coverage-style.js';
import { inColours } from '../../tracker/static/js/coverage-symbols.js';

const area = (more) => ({ id: 1, name: 'Bannu', lon: 70.6, lat: 33, unreached: 737, class: 1, silent: false, address: '/x', dim: false, ...more });
const view = (more) => ({
  level: 'district', measure: 'confirmed', until: null, outlines: ['district', 'tehsil'], ground: { level: 'district', ids: [1] }, box: [70, 32, 72, 34],
  counted: '', area: null, settlement: null, areas: [area()], spots: [], statuses: [], silent_only: false, team: null, settlement_address: '', sees_visits: true, ...more,
});
const HOW = { theme: 'light', tiles: 'http://127.0.0.1/tiles/NOV', fonts: { medium: ['Inter Medium'], strong: ['Inter SemiBold'] } };
const layersOf = (data) => styleOf(data, {}, HOW).layers.map(({ id }) => id);

test('circles have areas in proportion to children, within what can be seen', () => {
  assert.ok(Math.abs(radiusOf(400) / radiusOf(100) - 2) < 1e-9);
  assert.equal(radiusOf(0), 0);
  assert.equal(radiusOf(1), 3.5);
  assert.equal(radiusOf(1e6), 30);
});

test('an area in which all are reached has no circle', () => {
  assert.deepEqual(circlesOf(view({ areas: [area(), area({ id: 2, unreached: 0 })] })).features.map(({ id }) => id), [1]);
});

test('what lies outside the area in the middle recedes, its neighbours of one level do not', () => {
  const inside = { id: 9, level: 'district', inside: [9, 1] };
  assert.equal(isDim(area({ id: 1 }), view({ level: 'tehsil', area: inside })), false);
  assert.equal(isDim(area({ id: 2 }), view({ level: 'tehsil', area: inside })), true);
  assert.equal(isDim(area({ id: 2 }), view({ level: 'district', area: inside })), false);
});

test('visits are asked for only by those who see them', () => {
  assert.ok(layersOf(view()).includes('visits'));
  assert.ok(!layersOf(view({ sees_visits: false })).includes('visits'));
});

test('a day counts back in every tile that has numbers', () => {
  const { sources } = styleOf(view({ until: '2025-11-10' }), {}, HOW);
  assert.match(sources.settlements.tiles[0], /until=2025-11-10/);
  assert.match(sources.visits.tiles[0], /until=2025-11-10/);
  assert.doesNotMatch(sources['areas-district'].tiles[0], /until/);
});

test('the scale bar is a round number of metres, true at its latitude', () => {
  const { metres, px } = scaleOf(9, 34);
  assert.equal(metres, 10000);
  assert.ok(px > 30 && px <= 90);
  const north = scaleOf(9, 60);
  assert.ok(metres / px > north.metres / north.px);
});

test('symbols take the page’s colours', () => {
  assert.equal(inColours('<path fill="var(--missed)"/>', { missed: '#BF3413' }), '<path fill="#BF3413"/>');
});

test('the sheet goes up by a press or a pull and never beyond its sizes', () => {
  assert.deepEqual([nextSize(0), nextSize(1), nextSize(2)], [1, 2, 0]);
  assert.equal(sizeAfterPull(0, 40, 700), 1);
  assert.equal(sizeAfterPull(0, 500, 700), 2);
  assert.equal(sizeAfterPull(0, -500, 700), 0);
  assert.equal(sizeAfterPull(2, -40, 700), 1);
});

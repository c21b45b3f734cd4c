// What is drawn on the map becomes the outline in the form.
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { shapesOf, wktOf } from '../../tracker/static/js/claim-draw.js';

const CORNERS = [[71.5, 34], [71.51, 34], [71.51, 34.01]];

test('three corners are an outline, two are none yet', () => {
  assert.equal(wktOf(CORNERS), 'POLYGON ((71.5000000 34.0000000, 71.5100000 34.0000000, 71.5100000 34.0100000, 71.5000000 34.0000000))');
  assert.equal(wktOf(CORNERS.slice(0, 2)), '');
});

test('the map shows corners, then a line, then ground', () => {
  const kinds = (/** @type {any[]} */ corners) => shapesOf(corners).features.map((f) => f.geometry.type);
  assert.deepEqual(kinds([]), []);
  assert.deepEqual(kinds(CORNERS.slice(0, 1)), ['Point']);
  assert.deepEqual(kinds(CORNERS.slice(0, 2)), ['LineString', 'Point', 'Point']);
  assert.deepEqual(kinds(CORNERS), ['Polygon', 'Point', 'Point', 'Point']);
});

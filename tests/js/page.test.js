// What the keys mean, when dark holds, and how long to wait for a server that does not answer.
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { meaningOf } from '../../tracker/static/js/keys.js';
import { waitAfter } from '../../tracker/static/js/live.js';
import { darkMedia } from '../../tracker/static/js/theme.js';

const PLACES = { c: '/campaigns/NOV/coverage', q: '/campaigns/NOV/quality' };

test('g and a letter go to a page, a letter alone does nothing', () => {
  assert.deepEqual(meaningOf('g', false, PLACES), { do: 'wait' });
  assert.deepEqual(meaningOf('q', true, PLACES), { do: 'go', to: PLACES.q });
  assert.deepEqual(meaningOf('q', false, PLACES), { do: 'nothing' });
  assert.deepEqual(meaningOf('x', true, PLACES), { do: 'nothing' });
});

test('slash finds and the question mark lists the keys', () => {
  assert.deepEqual(meaningOf('/', false, PLACES), { do: 'find' });
  assert.deepEqual(meaningOf('?', false, PLACES), { do: 'keys' });
});

test('dark holds for the screen, never for print', () => {
  assert.equal(darkMedia('dark'), 'screen');
  assert.equal(darkMedia('light'), 'not all');
  assert.equal(darkMedia(''), 'screen and (prefers-color-scheme: dark)');
  assert.equal(darkMedia('plaid'), darkMedia(''));
});

test('a server that does not answer is asked less and less, but at least every minute', () => {
  assert.deepEqual([0, 1, 2, 3].map((failures) => waitAfter(4000, failures)), [4000, 8000, 16000, 32000]);
  assert.equal(waitAfter(4000, 4), 60000);
  assert.equal(waitAfter(90000, 2), 90000);
});

// <rasai-map>: the live map of the coverage page. Outlines, settlements and visits come as tiles of ours, numbers with the
// page; both are joined by id, so that new counts never move an outline. Without WebGL a sentence stands in its place.
import { circlesOf, crowdsOf, isDim, spotsOf, styleOf } from './coverage-style.js';
import { addSymbols } from './coverage-symbols.js';
import { listHere, placesIn } from './coverage-spot.js';
import { scaleOf } from './coverage-scale.js';

/** @typedef {{ id: number, name: string, lon: number, lat: number, unreached: number, class: number | null, silent: boolean, address: string, dim: boolean }} AreaOnMap */
/** @typedef {{ id: number, code: string, name: string, lon: number, lat: number, status: string | null, unreached: number, no_word: boolean }} Spot */
/**
 * @typedef {object} MapData what the server says of the view
 * @property {string} level @property {string} measure @property {string | null} until @property {string[]} outlines
 * @property {{ level: string, ids: number[] } | null} ground the person's areas @property {[number, number, number, number] | null} box
 * @property {string} counted @property {{ id: number, level: string, inside: number[] } | null} area @property {Spot | null} settlement
 * @property {AreaOnMap[]} areas @property {Spot[]} spots @property {string[]} statuses @property {boolean} silent_only
 * @property {string | null} team @property {string} settlement_address @property {boolean} sees_visits @property {boolean} [only_spots] no settlement but these @property {Crowd[]} [clusters] @property {boolean} [in_own_script] @property {number} [scale] of circles
 */
/** @typedef {{ lon: number, lat: number, radius_m: number, refused: number, settlements: number }} Crowd where refusals crowd together */
/** @typedef {import('../vendor/maplibre-gl/maplibre-gl.d.mts').Map} MapLibre */

const PADDING = { top: 72, bottom: 128, left: 32, right: 32 };      // what lies over the map never covers data
const WIDE_PX = 760;
const LEGEND_PX = 232;      // the legend and its distance from the edge
const CORNER_PX = 150;     // the legend in the corner of a phone's map
const NEAR_ZOOM = 14;
const PAN_MS = 600;
const TOKENS = ['page', 'card', 'land', 'outside', 'rule', 'edge', 'ink', 'ink-2', 'glyph', 'missed', 'partly', 'partly-text', 'doubtful', 'covered', 'not-started',
  ...[1, 2, 3, 4, 5].flatMap((n) => [`ramp-${n}`, `check-${n}`])];

export class RasaiMap extends HTMLElement {
  /** @type {MapData} */ data = JSON.parse(this.dataset.map ?? '{}');
  /** @type {Record<string, any>} */ words = JSON.parse(this.dataset.words ?? '{}');
  /** @type {MapLibre | null} */ map = null;
  /** @type {number | null} */ lit = null;
  shown = '';      // the place that the map was moved to last

  connectedCallback() { this.start().catch((error) => this.giveUp(error)); }
  disconnectedCallback() { this.map?.remove(); this.map = null; }

  async start() {
    const library = await import('../vendor/maplibre-gl/maplibre-gl.mjs');
    library.setWorkerUrl(this.dataset.worker ?? '');
    await Promise.all(['500 16px "Inter Medium"', '600 16px "Inter SemiBold"', ...(this.rtl ? ['500 16px "Naskh Medium"', '600 16px "Naskh SemiBold"'] : [])].map((font) => document.fonts.load(font, this.rtl ? 'اب' : 'Ab')));
    const box = this.data.box ?? [60, 23, 78, 38];
    const map = new library.Map({
      container: this, style: this.drawing(), bounds: [[box[0], box[1]], [box[2], box[3]]], fitBoundsOptions: { padding: this.padding },
      attributionControl: false, dragRotate: false, pitchWithRotate: false, touchPitch: false, maxZoom: 18, minZoom: 3, fadeDuration: 0,
      cooperativeGestures: matchMedia('(width < 900px)').matches, validateStyle: false,
      locale: { 'Map.Title': this.words.map, 'CooperativeGesturesHandler.MobileHelpText': this.words.two_fingers, 'CooperativeGesturesHandler.WindowsHelpText': this.words.ctrl, 'CooperativeGesturesHandler.MacHelpText': this.words.cmd },
    });
    map.touchZoomRotate.disableRotation();
    map.keyboard.disableRotation();
    this.map = map;
    this.shown = placeOf(this.data);
    await addSymbols(map, this.dataset.symbols ?? '', coloursOf(this), this.theme);
    this.fromAddress();
    this.colour();
    map.on('styledata', () => this.colour());
    map.on('click', (event) => this.clicked(event.point));
    map.on('mousemove', (event) => this.pointed(event.point));
    map.on('mouseout', () => this.tip(null));
    map.on('moveend', () => { this.toAddress(); this.scale(); });
    map.on('movestart', () => this.querySelector('.at-spot')?.remove());
    map.on('error', (event) => { if (!/AJAXError|Failed to fetch|NetworkError/.test(String(event.error))) console.warn(event.error); });
    new ResizeObserver(() => map.resize()).observe(this);
    this.scale();
    this.buttons();
    matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => this.retheme());
    document.addEventListener('rasai:theme', () => setTimeout(() => this.retheme(), 50));
    map.once('idle', () => this.setAttribute('data-ready', ''));
  }

  /** @param {unknown} error */
  giveUp(error) {
    const sentence = /** @type {HTMLElement | null} */ (this.querySelector('.no-map'));
    if (sentence) { sentence.hidden = false; sentence.textContent = this.words.no_map ?? ''; }
    this.setAttribute('data-ready', '');
    this.classList.add('without-map');
    if (!/webgl/i.test(String(error))) console.warn(error);
  }

  get rtl() { return document.documentElement.dir === 'rtl'; }
  get theme() { return getComputedStyle(document.documentElement).colorScheme === 'dark' ? 'dark' : 'light'; }
  get padding() {
    const covered = this.coveredPx;
    if (covered && document.querySelector('.is-large')) return { top: 124, bottom: covered + 176, left: 14, right: 14 };
    if (covered) return { top: 10, bottom: covered + 10, left: this.rtl ? CORNER_PX : 14, right: this.rtl ? 14 : CORNER_PX };
    const beside = this.panelOverPx, [near, far] = [24, (this.clientWidth > WIDE_PX ? LEGEND_PX : 60) + beside];
    return { ...PADDING, right: this.rtl ? near : far, left: this.rtl ? far : near };
  }

  /** How wide a panel lies over the map, on screens with no room beside it. */
  get panelOverPx() {
    const panel = document.querySelector('.has-panel .panel-box');
    return panel && matchMedia('(900px <= width < 1200px)').matches ? panel.clientWidth : 0;
  }

  /** How much of the map lies under the sheet of a phone. */
  get coveredPx() {
    const sheet = [...document.querySelectorAll('.has-sheet .sheet')].find((one) => getComputedStyle(one).position === 'absolute' && one.clientHeight > 0 && getComputedStyle(one).insetInlineStart === '0px');
    return sheet && matchMedia('(width < 900px)').matches ? Math.max(0, this.getBoundingClientRect().bottom - sheet.getBoundingClientRect().top) : 0;
  }

  drawing() {
    const fonts = { medium: ['Inter Medium', 'Naskh Medium'], strong: ['Inter SemiBold', 'Naskh SemiBold'] };
    const data = { ...this.data, in_own_script: this.rtl, scale: this.circleScale };
    return styleOf(data, coloursOf(this), { theme: this.theme, tiles: new URL(this.dataset.tiles ?? '', location.href).href, fonts });
  }

  get circleScale() { return Math.max(0.4, Math.min(1, (this.clientHeight - this.coveredPx) / 480)); }

  /** @param {MapData} data @param {boolean} live only numbers changed */
  show(data, live) {
    const counted = data.counted !== this.data.counted;
    this.data = data;
    const map = this.map;
    if (!map) return;
    if (live) {
      if (!counted) return;
      /** @type {any} */ (map.getSource('circles'))?.setData(circlesOf({ ...data, scale: this.circleScale }));
      /** @type {any} */ (map.getSource('spots'))?.setData(spotsOf(data));
      /** @type {any} */ (map.getSource('crowds'))?.setData(crowdsOf(data));
      for (const source of ['settlements', 'visits']) if (map.getSource(source)) map.refreshTiles(source);
    } else {
      map.setStyle(this.drawing(), { diff: true });
    }
    this.colour();
    if (placeOf(data) !== this.shown) { this.shown = placeOf(data); this.goThere(); }
  }

  /** Numbers to outlines, by id. */
  colour() {
    const { map, data } = this;
    const source = `areas-${data.level}`;
    if (!map?.getSource(source)) return;
    for (const area of data.areas) map.setFeatureState({ source, sourceLayer: 'areas', id: area.id }, { own: true, class: area.class ?? -1, silent: area.silent, dim: isDim(area, data) });
  }

  /** @param {number | null} id of the area whose row is pointed at */
  light(id) {
    const source = `areas-${this.data.level}`;
    if (!this.map?.getSource(source)) return;
    if (this.lit !== null) this.map.setFeatureState({ source, sourceLayer: 'areas', id: this.lit }, { lit: false });
    if (id !== null) this.map.setFeatureState({ source, sourceLayer: 'areas', id }, { lit: true });
    this.lit = id;
  }

  /** @param {number | null} id of the settlement whose row is pointed at */
  lightSpot(id) {
    const spot = this.data.spots.find((one) => one.id === id);
    /** @type {any} */ (this.map?.getSource('lit'))?.setData(spotsOf({ ...this.data, spots: spot ? [spot] : [] }));
  }

  goThere() {
    const { map, data } = this;
    const still = matchMedia('(prefers-reduced-motion: reduce)').matches;
    const duration = still ? 0 : PAN_MS;
    if (data.settlement) map?.easeTo({ center: [data.settlement.lon, data.settlement.lat], zoom: Math.max(map.getZoom(), NEAR_ZOOM), offset: [0, -this.coveredPx / 2], duration });
    else if (data.box) map?.fitBounds([[data.box[0], data.box[1]], [data.box[2], data.box[3]]], { padding: this.padding, duration, maxZoom: NEAR_ZOOM });
  }

  /** The map became larger or smaller: the same view, drawn for its new size. */
  refit() {
    this.map?.resize();
    /** @type {any} */ (this.map?.getSource('circles'))?.setData(circlesOf({ ...this.data, scale: this.circleScale }));
    this.goThere();
  }

  retheme() {
    const { map } = this;
    if (!map) return;
    addSymbols(map, this.dataset.symbols ?? '', coloursOf(this), this.theme).then(() => { map.setStyle(this.drawing(), { diff: true }); this.colour(); });
  }

  /** Where the map was left stands in the address's fragment: it is nobody's business on the server. */
  toAddress() {
    const centre = this.map?.getCenter();
    if (!centre || !this.map) return;
    const at = `#map=${this.map.getZoom().toFixed(2)}/${centre.lat.toFixed(4)}/${centre.lng.toFixed(4)}`;
    history.replaceState(history.state, '', location.pathname + location.search + at);
  }

  fromAddress() {
    const [, zoom, lat, lon] = /^#map=([\d.]+)\/(-?[\d.]+)\/(-?[\d.]+)$/.exec(location.hash) ?? [];
    if (zoom) this.map?.jumpTo({ zoom: Number(zoom), center: [Number(lon), Number(lat)] });
    else if (this.data.settlement) this.map?.easeTo({ zoom: NEAR_ZOOM, center: [this.data.settlement.lon, this.data.settlement.lat], offset: [0, -this.coveredPx / 2], duration: 0 });
  }

  /** @param {{ x: number, y: number }} point */
  clicked(point) {
    const { map } = this;
    if (!map) return;
    this.querySelector('.at-spot')?.remove();
    const places = placesIn(map, point, this);
    if (places.length > 1) this.append(listHere(places, point, this));
    else if (places.length === 1 && places[0].address) this.go(places[0].address);
    else if (!places.length) {
      const [area] = map.getLayer('areas') ? map.queryRenderedFeatures([point.x, point.y], { layers: ['areas'] }) : [];
      const known = this.data.areas.find(({ id }) => id === area?.id);
      if (known) this.go(known.address);
    }
  }

  /** @param {string} address */
  go(address) { this.dispatchEvent(new CustomEvent('rasai:go', { bubbles: true, detail: address })); }

  /** @param {{ x: number, y: number }} point */
  pointed(point) {
    const { map } = this;
    if (!map || map.isMoving()) return;
    const [place] = placesIn(map, point, this);
    const [area] = map.getLayer('areas') ? map.queryRenderedFeatures([point.x, point.y], { layers: ['areas'] }) : [];
    const known = place ? null : this.data.areas.find(({ id }) => id === area?.id);
    map.getCanvas().style.cursor = place || known ? 'pointer' : '';
    if (place) this.tip(point, [place.name, place.note].filter(Boolean).join(' · '));
    else if (known) this.tip(point, `${known.name} · ${this.words.not_reached.replace('{n}', known.unreached.toLocaleString('en'))}`);
    else this.tip(null);
    if (this.data.only_spots) this.dispatchEvent(new CustomEvent('rasai:over', { bubbles: true, detail: String(this.data.spots.find(({ code }) => code === place?.key)?.id ?? '') }));
    if (known?.id !== this.lit) this.light(known?.id ?? null);
  }

  /** @param {{ x: number, y: number } | null} point @param {string} [words] */
  tip(point, words = '') {
    let tip = /** @type {HTMLElement | null} */ (this.querySelector('.tip'));
    if (!tip && point) { tip = document.createElement('div'); tip.className = 'tip'; tip.setAttribute('aria-hidden', 'true'); this.append(tip); }
    if (!tip) return;
    tip.hidden = !point;
    if (!point) return;
    tip.textContent = words;
    tip.dir = this.rtl ? 'rtl' : 'ltr';
    tip.style.left = `${point.x}px`;
    tip.style.top = `${point.y}px`;
  }

  scale() {
    const bar = /** @type {HTMLElement | null} */ (document.querySelector('[data-scale]'));
    if (!bar || !this.map) return;
    const { metres, px } = scaleOf(this.map.getZoom(), this.map.getCenter().lat);
    bar.hidden = false;
    bar.style.width = `${px}px`;
    bar.textContent = metres >= 1000 ? `${metres / 1000} ${this.words.km}` : `${metres} ${this.words.m}`;
  }

  buttons() {
    const box = /** @type {HTMLElement | null} */ (document.querySelector('.zooms'));
    if (!box) return;
    box.hidden = false;
    box.addEventListener('click', (event) => {
      const button = event.target instanceof Element ? event.target.closest('[data-zoom]') : null;
      const wish = button?.getAttribute('data-zoom');
      if (wish === 'in') this.map?.zoomIn();
      if (wish === 'out') this.map?.zoomOut();
      if (wish === 'all') this.goThere();
    });
  }
}

/** What the view is about; when it changes the map goes there. @param {MapData} data */
const placeOf = (data) => JSON.stringify([data.settlement?.id ?? null, data.settlement ? null : data.box]);

/** The page's colours as they are now. @param {Element} element @returns {Record<string, string>} */
function coloursOf(element) {
  const style = getComputedStyle(element);
  return Object.fromEntries(TOKENS.map((name) => [name, style.getPropertyValue(`--${name}`).trim()]));
}

customElements.define('rasai-map', RasaiMap);

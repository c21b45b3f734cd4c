// <claim-draw>: draw the outline of a claim on a map. Each click sets a corner; what is drawn stands as WKT in the form's
// text field, which works without it. Areas come as tiles of ours; nothing is fetched from elsewhere.

/** @typedef {[number, number]} Corner lon, lat */
/** @typedef {import('../vendor/maplibre-gl/maplibre-gl.d.mts').Map} MapLibre */

const DECIMALS = 7;      // of a degree: a centimetre

/** The outline as WKT, closed; empty for fewer than three corners. @param {Corner[]} corners @returns {string} */
export function wktOf(corners) {
  if (corners.length < 3) return '';
  const ring = [...corners, corners[0]].map(([lon, lat]) => `${lon.toFixed(DECIMALS)} ${lat.toFixed(DECIMALS)}`);
  return `POLYGON ((${ring.join(', ')}))`;
}

/** What the map shows: the line drawn so far, closed to ground from three corners on. @param {Corner[]} corners */
export function shapesOf(corners) {
  const geometry = corners.length < 3
    ? { type: 'LineString', coordinates: corners.length === 2 ? corners : [] }
    : { type: 'Polygon', coordinates: [[...corners, corners[0]]] };
  const points = corners.map((at) => ({ type: 'Feature', properties: {}, geometry: { type: 'Point', coordinates: at } }));
  return { type: 'FeatureCollection', features: [...(corners.length > 1 ? [{ type: 'Feature', properties: {}, geometry }] : []), ...points] };
}

const HTMLElementHere = globalThis.HTMLElement ?? class {};

export class ClaimDraw extends HTMLElementHere {
  /** @type {Corner[]} */ corners = [];
  /** @type {MapLibre | null} */ map = null;

  connectedCallback() { this.start().catch((error) => this.giveUp(error)); }
  disconnectedCallback() { this.map?.remove(); this.map = null; }

  /** @returns {Record<string, string>} */
  get words() { return JSON.parse(this.dataset.words ?? '{}'); }
  get field() { return /** @type {HTMLTextAreaElement | null} */ (this.closest('form')?.querySelector('[name=outline]') ?? null); }

  async start() {
    const library = await import('../vendor/maplibre-gl/maplibre-gl.mjs');
    library.setWorkerUrl(this.dataset.worker ?? '');
    const canvas = document.createElement('div');
    canvas.className = 'canvas';
    this.append(canvas);
    const colour = (/** @type {string} */ name) => getComputedStyle(this).getPropertyValue(`--${name}`).trim();
    const box = JSON.parse(this.dataset.box ?? 'null') ?? [60, 23, 78, 38];
    const tiles = new URL(`${this.dataset.tiles}/areas/`, location.href).href;
    const map = new library.Map({
      container: canvas, bounds: [[box[0], box[1]], [box[2], box[3]]], fitBoundsOptions: { padding: 16 }, attributionControl: false,
      dragRotate: false, pitchWithRotate: false, maxZoom: 19, doubleClickZoom: false, locale: { 'Map.Title': this.words.map },
      style: {
        version: 8,
        sources: {
          areas: { type: 'vector', tiles: [`${tiles}{z}/{x}/{y}.mvt?level=${this.dataset.level}`], maxzoom: 12 },
          drawn: { type: 'geojson', data: /** @type {any} */ (shapesOf([])) },
        },
        layers: [
          { id: 'ground', type: 'background', paint: { 'background-color': colour('land') } },
          { id: 'areas', type: 'line', source: 'areas', 'source-layer': 'areas', paint: { 'line-color': colour('edge') } },
          { id: 'inside', type: 'fill', source: 'drawn', filter: ['==', ['geometry-type'], 'Polygon'], paint: { 'fill-color': colour('covered'), 'fill-opacity': 0.25 } },
          { id: 'line', type: 'line', source: 'drawn', filter: ['!=', ['geometry-type'], 'Point'], paint: { 'line-color': colour('ink'), 'line-width': 2 } },
          { id: 'corners', type: 'circle', source: 'drawn', filter: ['==', ['geometry-type'], 'Point'], paint: { 'circle-radius': 4, 'circle-color': colour('ink') } },
        ],
      },
    });
    this.map = map;
    map.touchZoomRotate.disableRotation();
    map.on('click', (/** @type {any} */ event) => this.set([...this.corners, [event.lngLat.lng, event.lngLat.lat]]));
    map.once('idle', () => this.setAttribute('data-ready', ''));
    this.bar();
  }

  bar() {
    const bar = document.createElement('div');
    bar.className = 'draw-bar';
    const button = (/** @type {string} */ words, /** @type {() => void} */ act) => {
      const made = document.createElement('button');
      Object.assign(made, { type: 'button', className: 'button small', textContent: words });
      made.addEventListener('click', act);
      return made;
    };
    const count = document.createElement('span');
    count.className = 'note';
    count.setAttribute('role', 'status');
    bar.append(button(this.words.undo, () => this.set(this.corners.slice(0, -1))), button(this.words.clear, () => this.set([])), count);
    this.append(bar);
  }

  /** @param {Corner[]} corners */
  set(corners) {
    this.corners = corners;
    /** @type {any} */ (this.map?.getSource('drawn'))?.setData(shapesOf(corners));
    const count = this.querySelector('[role=status]');
    if (count) count.textContent = (this.words.corners ?? '').replace('{n}', String(corners.length));
    if (this.field) this.field.value = wktOf(corners);
  }

  /** @param {unknown} error */
  giveUp(error) {
    this.textContent = this.words.no_map ?? '';
    this.setAttribute('data-ready', '');
    if (!/webgl/i.test(String(error))) console.warn(error);
  }
}

globalThis.customElements?.define('claim-draw', ClaimDraw);

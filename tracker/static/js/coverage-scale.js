// The scale bar: a round number of metres, as long as it is at the middle of the map.

const EARTH_M = 40_075_016.69;
const WIDEST_PX = 90;

/** @param {number} zoom @param {number} lat @returns {{ metres: number, px: number }} */
export function scaleOf(zoom, lat) {
  const metresPerPx = (EARTH_M * Math.cos((lat * Math.PI) / 180)) / (512 * 2 ** zoom);
  const most = WIDEST_PX * metresPerPx;
  const ten = 10 ** Math.floor(Math.log10(most));
  const metres = [5, 2, 1].map((n) => n * ten).find((m) => m <= most) ?? ten;
  return { metres, px: Math.round(metres / metresPerPx) };
}

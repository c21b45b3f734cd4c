// The evening page: three lines and a picture for the chat group, drawn here from the figures of the page.

/** @typedef {{ title: string, sub: string, figure: string, words: string, confirmed: number | null, reported: number | null, counts: string, rows: [string, string][], as_of: string, note: string, rtl: boolean }} Picture */

const WIDE = 1080, MARGIN = 64, ROW = 62;
const INK = '#1B1F23', QUIET = '#5F666D', RULE = '#E3DFD5', COVERED = '#248C80', CHECK = '#6E3FA3';      // always light: it is read on other phones

const says = /** @type {HTMLElement | null} */ (document.querySelector('[data-says]'));
const lines = /** @type {HTMLTextAreaElement | null} */ (document.querySelector('[data-lines]'));
const linesButton = /** @type {HTMLElement | null} */ (document.querySelector('[data-copy-lines]'));
const pictureButton = /** @type {HTMLElement | null} */ (document.querySelector('[data-copy-picture]'));

if (linesButton && lines) {
  linesButton.hidden = false;
  linesButton.addEventListener('click', async () => { lines.select(); await navigator.clipboard.writeText(lines.value); tell('copied', linesButton); });
}
if (pictureButton) {
  pictureButton.hidden = false;
  pictureButton.addEventListener('click', async () => {
    const png = await drawn(JSON.parse(pictureButton.dataset.copyPicture ?? '{}'));
    try {
      await navigator.clipboard.write([new ClipboardItem({ 'image/png': png })]);
      tell('copied', pictureButton);
    } catch {
      const link = document.createElement('a');
      link.href = URL.createObjectURL(png);
      link.download = 'rasai.png';
      link.click();
      tell('saved', pictureButton);
    }
  });
}

/** @param {'copied' | 'saved'} what @param {HTMLElement} button */
function tell(what, button) {
  const words = says?.dataset[what] ?? '', before = button.textContent;
  if (says) says.textContent = words;
  button.textContent = words;
  setTimeout(() => { button.textContent = before; }, 2500);
}

/** @param {Picture} picture @returns {Promise<Blob>} */
async function drawn(picture) {
  await document.fonts.ready;
  const canvas = document.createElement('canvas');
  canvas.width = WIDE;
  canvas.height = 560 + picture.rows.length * ROW;
  const pen = /** @type {CanvasRenderingContext2D} */ (canvas.getContext('2d'));
  pen.fillStyle = '#FFFFFF';
  pen.fillRect(0, 0, canvas.width, canvas.height);
  pen.direction = picture.rtl ? 'rtl' : 'ltr';
  const near = picture.rtl ? WIDE - MARGIN : MARGIN, far = picture.rtl ? MARGIN : WIDE - MARGIN;
  const font = (/** @type {number} */ px, weight = 400) => `${weight} ${px}px "Inter Variable", "Noto Naskh Arabic Variable", sans-serif`;
  const write = (/** @type {string} */ words, /** @type {number} */ x, /** @type {number} */ y, /** @type {string} */ how, colour = INK, align = 'start') => {
    pen.font = how; pen.fillStyle = colour; pen.textAlign = /** @type {CanvasTextAlign} */ (align); pen.fillText(words, x, y, WIDE - 2 * MARGIN);
  };
  write(picture.title, near, 96, font(52, 640));
  write(picture.sub, near, 148, font(32), QUIET);
  write(picture.figure, near, 280, font(112, 640));
  write(picture.words, near, 334, font(36));
  bar(pen, picture, near, 372);
  write(picture.counts, near, 462, font(30), QUIET);
  picture.rows.forEach(([name, count], n) => {
    const y = 530 + n * ROW;
    pen.fillStyle = RULE;
    pen.fillRect(MARGIN, y - 42, WIDE - 2 * MARGIN, 2);
    write(name, near, y, font(34));
    write(count, far, y, font(34, 640), INK, 'end');
  });
  write([picture.as_of, picture.note].filter(Boolean).join(' · '), far, canvas.height - 28, font(26), QUIET, 'end');
  return new Promise((resolve, reject) => { canvas.toBlob((png) => (png ? resolve(png) : reject(new Error('no picture'))), 'image/png'); });
}

/** The claim bar: confirmed solid, to check lighter, a tick at 95 %. @param {CanvasRenderingContext2D} pen @param {Picture} picture @param {number} near @param {number} y */
function bar(pen, picture, near, y) {
  const length = WIDE - 2 * MARGIN, sign = picture.rtl ? -1 : 1;
  const part = (/** @type {number} */ from, /** @type {number} */ to, /** @type {string} */ colour) => { pen.fillStyle = colour; pen.fillRect(near + sign * from * length, y, sign * (to - from) * length, 36); };
  const confirmed = Math.min(1, picture.confirmed ?? 0), reported = Math.min(1, picture.reported ?? 0);
  part(0, 1, '#ECEDEF');
  part(confirmed, Math.max(confirmed, reported), CHECK);
  part(0, confirmed, COVERED);
  part(0.9485, 0.9515, INK);
}

// Draws Rasai's shareable map on a Leaflet map. Names come from outside: they are set as text, never as markup.
(function (map, data) {
  "use strict";
  const INK = "#1B1F23", CARD = "#FFFFFF", AMBER_EDGE = "#7A5200", IDLE_EDGE = "#857F73";

  const popup = (thing) => {
    const box = document.createElement("div");
    box.className = "words";
    const name = box.appendChild(document.createElement("b"));
    name.textContent = thing.name;
    if (thing.other_name) {
      const other = box.appendChild(document.createElement("bdi"));
      other.textContent = thing.other_name;
    }
    for (const line of thing.lines) box.appendChild(document.createElement("p")).textContent = line;
    return box;
  };

  // status symbols: the shape alone tells, as colour-blind people and grey printers need
  const shapes = {
    missed(c, r) { c.moveTo(0, -r); c.lineTo(r, 0); c.lineTo(0, r); c.lineTo(-r, 0); c.closePath(); },
    doubtful(c, r) { const s = r * 0.85; c.roundRect(-s, -s, 2 * s, 2 * s, s * 0.4); },
    other(c, r) { c.arc(0, 0, r, 0, 2 * Math.PI); },
  };
  const glyphs = { missed: "!", doubtful: "?", covered: "✓" };

  const draw = (c, at, r, status, silent) => {
    const shape = shapes[status] || shapes.other;
    c.save();
    c.translate(at.x, at.y);
    c.beginPath(); shape(c, r + 1.7); c.fillStyle = CARD; c.fill();
    c.beginPath(); shape(c, r);
    c.fillStyle = status === "partly" || status === "not_started" ? CARD : data.fills[status] || CARD;
    c.fill();
    if (status === "partly") {
      c.save(); c.clip(); c.fillStyle = data.fills.partly; c.fillRect(-r, 0, 2 * r, r); c.restore();
    }
    c.lineWidth = 1.2;
    c.strokeStyle = status === "partly" ? AMBER_EDGE : status === "not_started" || !status ? IDLE_EDGE : INK;
    if (status === "not_started" || !status) c.setLineDash([2.5, 2.5]);
    c.beginPath(); shape(c, r); c.stroke();
    c.setLineDash([]);
    if (silent) {
      c.strokeStyle = INK; c.lineWidth = 0.8;
      for (let x = -r; x <= r; x += 3) { c.beginPath(); c.moveTo(x, -r - 1); c.lineTo(x, r + 1); c.stroke(); }
    } else if (glyphs[status] && r >= 5) {
      c.fillStyle = CARD; c.font = `700 ${Math.round(r * 1.25)}px system-ui, sans-serif`;
      c.textAlign = "center"; c.textBaseline = "middle"; c.fillText(glyphs[status], 0, r * 0.08);
    }
    c.restore();
  };

  const StatusSymbol = L.CircleMarker.extend({
    _updatePath() {
      const renderer = this._renderer;
      if (!renderer._drawing || this._empty()) return;
      draw(renderer._ctx, this._point, this._radius, this.options.status, this.options.silent);
    },
  });

  const named = (thing, layer, r) => {      // a name below its circle, where there are few enough to read
    if (data.areas.length + data.outlines.length > 60) return;
    const label = document.createElement("span");
    label.textContent = thing.name;
    layer.bindTooltip(label, { permanent: true, direction: "bottom", className: "place-name", offset: [0, r], interactive: false });
  };

  map.attributionControl.setPrefix(false);
  const rightToLeft = document.documentElement.dir === "rtl";
  L.control.zoom({ position: rightToLeft ? "bottomleft" : "bottomright" }).addTo(map);
  L.control.scale({ position: rightToLeft ? "bottomright" : "bottomleft", imperial: false }).addTo(map);
  for (const outline of data.outlines) {
    L.geoJSON(outline.shape, { style: { fillColor: "#F3F1EB", fillOpacity: outline.weight > 2 ? 1 : 0, color: "#857F73", weight: outline.weight }, interactive: false }).addTo(map);
  }
  for (const area of data.areas) {
    L.geoJSON(area.shape, { style: { fillColor: area.fill, fillOpacity: 1, color: CARD, weight: 1.4 } })
      .bindPopup(() => popup(area)).addTo(map);
  }
  const most = Math.max(1, ...data.areas.map((area) => area.unreached || 0));
  for (const area of data.areas) {
    const r = area.unreached ? Math.max(4, 26 * Math.sqrt(area.unreached / most)) : 0;
    const number = r >= 10 ? area.unreached.toLocaleString("en") : "";
    const icon = L.divIcon({ className: r ? "unreached" : "", iconSize: [2 * r, 2 * r], html: `<span>${number}</span>` });
    const circle = L.marker(area.at, { icon, keyboard: false }).bindPopup(() => popup(area)).addTo(map);
    named(area, circle, r);
  }
  const deepest = Math.max(1, ...data.settlements.map((s) => s.unreached || 0));
  const size = (s) => (s.status === "covered" || !s.unreached ? 4 : 6 + 8 * Math.sqrt(s.unreached / deepest));
  const quietFirst = [...data.settlements].sort((a, b) => (a.unreached || 0) - (b.unreached || 0));
  for (const s of quietFirst) {
    new StatusSymbol(s.at, { radius: size(s), status: s.status, silent: s.silent }).bindPopup(() => popup(s)).addTo(map);
  }
  const face = document.getElementById("face"), wide = window.innerWidth > 900;
  if (!wide) face.querySelector("details").removeAttribute("open");
  const beside = [face.offsetWidth + 24, 24], beneath = [16, face.offsetHeight + 24];
  const padding = !wide
    ? { paddingTopLeft: beneath, paddingBottomRight: [16, 48] }
    : rightToLeft
      ? { paddingTopLeft: [24, 24], paddingBottomRight: beside }
      : { paddingTopLeft: beside, paddingBottomRight: [24, 24] };
  map.fitBounds(data.bounds, padding);
})({{ this._parent.get_name() }}, {{ this.data|tojson }});

// Pixels: lines, cells and labels on a canvas that shows the part of the picture in sight.

const FONT =
  '13px "Noto Sans", system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans CJK SC", "PingFang SC", "Microsoft YaHei", "Noto Sans Arabic", "Geeza Pro", "Noto Sans Devanagari", "Kohinoor Devanagari", "Nirmala UI", "Noto Sans Thai", "Thonburi", "Leelawadee UI", "DejaVu Sans", sans-serif';
const LEVELS = 24; // so many strengths of line, each drawn at once
const INK = {
  light: { paper: "#ffffff", ink: "#1d2129", soft: "#5b6472", grid: "#e2e5ea", within: "#0b4f8a", across: "#d55e00", special: "#7a828e", mark: "#ffe9a8", low: [238, 244, 250], high: [8, 48, 107] },
  dark: { paper: "#15181d", ink: "#e4e7ec", soft: "#9aa4b2", grid: "#2d333c", within: "#4d94d6", across: "#ff9a4d", special: "#8d97a5", mark: "#5a4a12", low: [29, 37, 48], high: [190, 222, 252] },
};

const shade = (colours, share) => {
  const part = (i) => Math.round(colours.low[i] + (colours.high[i] - colours.low[i]) * Math.max(0, Math.min(1, share)));
  return `rgb(${part(0)},${part(1)},${part(2)})`;
};

// A canvas as sharp as the screen, cleared, with its origin where the picture is scrolled to.
const prepare = (canvas, width, height, colours, scroll = [0, 0]) => {
  const scale = window.devicePixelRatio || 1;
  const [w, h] = [Math.max(1, Math.round(width * scale)), Math.max(1, Math.round(height * scale))];
  if (canvas.width !== w || canvas.height !== h) [canvas.width, canvas.height] = [w, h];
  [canvas.style.width, canvas.style.height] = [`${width}px`, `${height}px`];
  const pen = canvas.getContext("2d");
  pen.setTransform(scale, 0, 0, scale, 0, 0);
  pen.fillStyle = colours.paper;
  pen.fillRect(0, 0, width, height);
  pen.translate(-scroll[0], -scroll[1]);
  pen.font = FONT;
  pen.textBaseline = "middle";
  return pen;
};

const kindOf = (query, key) => {
  if (query.special || key.special) return "special";
  return query.sentence === key.sentence ? "within" : "across";
};

const outOfSight = (one, two, seen) => Math.max(one[1], two[1]) < seen.top || Math.min(one[1], two[1]) > seen.bottom || Math.max(one[0], two[0]) < seen.left || Math.min(one[0], two[0]) > seen.right;

// Lines of one kind and strength are one path, so that thousands cost no more than a few strokes.
const paintLines = (pen, layout, drawn, colours, focus, seen) => {
  const paths = new Map();
  const columns = layout.keys.length;
  layout.queries.forEach((query, row) => {
    layout.keys.forEach((key, column) => {
      const weight = drawn[row * columns + column];
      if (!weight || outOfSight(query.anchor, key.anchor, seen)) return;
      const bright = !focus || focus.has(query.item, "query") || focus.has(key.item, "key");
      if (!bright) return;
      const level = Math.ceil(Math.sqrt(weight) * LEVELS);
      const name = `${kindOf(query.item, key.item)} ${level}`;
      if (!paths.has(name)) paths.set(name, new Path2D());
      const path = paths.get(name);
      path.moveTo(...query.anchor);
      path.lineTo(...key.anchor);
    });
  });
  for (const [name, path] of [...paths].sort(([one], [two]) => one.split(" ")[1] - two.split(" ")[1])) {
    const [kind, level] = name.split(" ");
    pen.strokeStyle = colours[kind];
    pen.globalAlpha = 0.08 + (0.92 * level) / LEVELS;
    pen.lineWidth = 0.6 + (3.6 * level) / LEVELS;
    pen.setLineDash(kind === "special" ? [4, 3] : []);
    pen.stroke(path);
  }
  pen.globalAlpha = 1;
  pen.setLineDash([]);
};

const paintCells = (pen, layout, drawn, colours, forbidden, seen) => {
  const columns = layout.keys.length;
  layout.queries.forEach((query, row) => {
    if (query.y > seen.bottom || query.y + CELL < seen.top) return;
    layout.keys.forEach((key, column) => {
      if (key.x > seen.right || key.x + CELL < seen.left) return;
      const weight = drawn[row * columns + column];
      const shut = forbidden(row, column);
      pen.fillStyle = shut ? colours.paper : shade(colours, Math.sqrt(weight));
      pen.fillRect(key.x, query.y, CELL - 1, CELL - 1);
      if (shut) paintCross(pen, key.x, query.y, colours.grid);
    });
  });
};

const paintCross = (pen, x, y, colour) => {
  pen.strokeStyle = colour;
  pen.lineWidth = 1;
  pen.beginPath();
  pen.moveTo(x + 3, y + CELL - 4);
  pen.lineTo(x + CELL - 4, y + 3);
  pen.stroke();
};

// Cuts what is too long in the middle of nowhere: by whole characters, with a sign that it went on.
const fitting = (pen, text, room) => {
  if (pen.measureText(text).width <= room) return text;
  const letters = [...text];
  while (letters.length && pen.measureText(`${letters.join("")}…`).width > room) letters.pop();
  return `${letters.join("")}…`;
};

const paintLabel = (pen, place, colours, marked) => {
  const { item, x, y, w, h } = place;
  if (marked) {
    pen.fillStyle = colours.mark;
    pen.fillRect(x - 3, y, w + 6, h);
  }
  pen.fillStyle = item.special ? colours.soft : colours.ink;
  pen.direction = item.direction;
  const text = fitting(pen, item.label, WIDEST);
  if (place.from === "up") {
    pen.save();
    pen.translate(x + w / 2, y + h - 6);
    pen.rotate(-Math.PI / 2);
    pen.textAlign = "left";
    pen.fillText(text, 0, 0);
    pen.restore();
    return;
  }
  pen.textAlign = place.from;
  pen.fillText(text, place.at, y + h / 2);
};

const inSight = (place, seen) => place.y + place.h >= seen.top && place.y <= seen.bottom && place.x + place.w >= seen.left && place.x <= seen.right;

const paintLabels = (pen, layout, colours, focus, seen) => {
  for (const [role, places] of [["query", layout.queries], ["key", layout.keys]]) {
    for (const place of places) if (inSight(place, seen)) paintLabel(pen, place, colours, focus?.is(place.item, role));
  }
};

// A grid's names stay in sight when it is scrolled.
const paintHeads = (pen, layout, colours, focus, seen) => {
  const { left, top } = layout;
  pen.fillStyle = colours.paper;
  pen.fillRect(seen.left, seen.top, left, seen.bottom - seen.top);
  pen.fillRect(seen.left, seen.top, seen.right - seen.left, top);
  for (const place of layout.queries) {
    if (place.y >= seen.top + top - CELL / 2) paintLabel(pen, { ...place, x: place.x + seen.left, at: place.at + seen.left }, colours, focus?.is(place.item, "query"));
  }
  for (const place of layout.keys) {
    if (place.x >= seen.left + left - CELL / 2) paintLabel(pen, { ...place, y: place.y + seen.top }, colours, focus?.is(place.item, "key"));
  }
};

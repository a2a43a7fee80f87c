// Places: where each label stands in the three views, in the coordinates of the whole picture.

const LINE = 19; // pixels from label to label
const CELL = 17;
const BREAK = 6; // and between two texts
const WIDEST = 190;
const MARGIN = 12;
const GAPS = [13, 10, 8, 6]; // pixels between words in a line: the widest with which it fits, or else the narrowest

const byDirection = (items, base) => {
  const blocks = [0, 1].map((sentence) => items.filter((item) => item.sentence === sentence));
  const inside = (block) => (block.some((item) => item.direction === "rtl") ? block.slice().reverse() : block);
  return (base === "rtl" ? blocks.reverse() : blocks).map(inside).filter((block) => block.length);
};

const baseOf = (items) => items.find((item) => !item.special)?.direction ?? "ltr";

// Text as it is written, from left to right or from right to left; gives each item its left edge and the whole width.
const runOf = (items, width, gap) => {
  const left = new Map();
  let x = 0;
  byDirection(items, baseOf(items)).forEach((block, number) => {
    if (number) x += 2 * gap;
    block.forEach((item, place) => {
      const neighbour = item.direction === "rtl" ? block[place - 1] : item;
      if (place) x += neighbour.glued ? 1 : gap;
      left.set(item, x);
      x += width(item);
    });
  });
  return { left, total: x };
};

const rowsLayout = (queries, keys, width, room) => {
  const spaced = GAPS.map((gap) => [queries, keys].map((items) => runOf(items, width, gap)));
  const runs = spaced.find((both) => both.every((run) => run.total + 2 * MARGIN <= room.width)) ?? spaced.at(-1);
  const total = Math.max(room.width, ...runs.map((run) => run.total + 2 * MARGIN));
  const height = Math.max(190, Math.min(320, 120 + total / 7));
  const shift = runs.map((run) => (total - run.total) / 2);
  const place = (items, side, top) =>
    items.map((item) => {
      const x = runs[side].left.get(item) + shift[side];
      const w = width(item);
      return { item, x, y: top, w, h: LINE, anchor: [x + w / 2, side ? top - 2 : top + LINE + 2], from: "center", at: x + w / 2 };
    });
  const start = baseOf(queries) === "rtl" ? "right" : "left";
  return { kind: "rows", says: "above reads below", start, width: total, height, queries: place(queries, 0, 8), keys: place(keys, 1, height - LINE - 8) };
};

const columnsLayout = (queries, keys, width, room) => {
  const mirrored = baseOf(queries) === "rtl"; // who reads stands where reading begins
  const wide = (items) => Math.min(WIDEST, Math.max(...items.map(width), 20));
  const [first, second] = mirrored ? [wide(keys), wide(queries)] : [wide(queries), wide(keys)];
  const span = Math.max(140, Math.min(320, room.width - first - second - 4 * MARGIN));
  const shift = Math.max(0, (room.width - (2 * MARGIN + first + second + span + 16)) / 2);
  const edges = [shift + MARGIN + first, shift + MARGIN + first + span + 16];
  const place = (items, right) =>
    items.map((item, number) => {
      const y = MARGIN + number * LINE;
      const w = Math.min(WIDEST, width(item));
      const x = right ? edges[1] : edges[0] - w;
      return { item, x, y, w, h: LINE, anchor: [right ? edges[1] - 6 : edges[0] + 6, y + LINE / 2], from: right ? "left" : "right", at: right ? edges[1] : edges[0] };
    });
  const height = 2 * MARGIN + LINE * Math.max(queries.length, keys.length);
  const says = mirrored ? "right reads left" : "left reads right";
  return { kind: "columns", says, width: Math.max(room.width, edges[1] + second + MARGIN), height, queries: place(queries, mirrored), keys: place(keys, !mirrored) };
};

// Where each of a line of cells begins, and the length of all.
const stepsOf = (items) => {
  let at = 0;
  const steps = new Map();
  items.forEach((item, place) => {
    if (place) at += CELL + (item.sentence === items[place - 1].sentence ? 0 : BREAK);
    steps.set(item, at);
  });
  return [steps, at + CELL];
};

const matrixLayout = (queries, keys, width) => {
  const left = Math.min(WIDEST, Math.max(...queries.map(width), 20)) + MARGIN;
  const top = Math.min(WIDEST, Math.max(...keys.map(width), 20)) + MARGIN;
  const [down, tall] = stepsOf(queries);
  const [along, wide] = stepsOf(byDirection(keys, baseOf(keys)).flat());
  const rows = queries.map((item) => ({ item, x: 0, y: top + down.get(item), w: left, h: CELL, from: "right", at: left - 6 }));
  const columns = keys.map((item) => ({ item, x: left + along.get(item), y: 0, w: CELL, h: top, from: "up", at: 0 }));
  const size = { width: left + wide + MARGIN, height: top + tall + MARGIN };
  return { kind: "matrix", says: "a row reads its columns", ...size, left, top, queries: rows, keys: columns };
};

const LAYOUTS = { rows: rowsLayout, columns: columnsLayout, matrix: matrixLayout };

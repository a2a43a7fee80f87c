// Numbers: bytes to matrices, averages, words, and which weights are large enough to be drawn.

const VALUE = Float32Array.from({ length: 256 }, (_, byte) => (byte / 255) ** 2);
const MATRICES = 24; // remembered at a time

const bytesOf = (raw) => (ArrayBuffer.isView(raw) ? new Uint8Array(raw.buffer, raw.byteOffset, raw.byteLength) : new Uint8Array(raw));

class Weights {
  constructor(scene, raw) {
    const bytes = bytesOf(raw);
    this.scene = scene;
    this.count = scene.tokens.length;
    this.planes = scene.heads + 1; // the last is the rollout
    const weights = scene.layers.length * this.planes * this.count * scene.kept;
    this.bytes = bytes.subarray(0, weights);
    this.places = new Uint16Array(bytes.slice(weights).buffer);
    this.known = new Map();
  }

  // Who reads whom in one head, or on average; [query * count + key].
  matrix(layer, head) {
    const name = `${layer} ${head}`;
    if (!this.known.has(name)) {
      if (this.known.size >= MATRICES) this.known.delete(this.known.keys().next().value);
      this.known.set(name, this.#mean(this.#planesOf(layer, head)));
    }
    return this.known.get(name);
  }

  #planesOf(layer, head) {
    const { layers, heads } = this.scene;
    const last = layers.length - 1;
    if (head === "rollout") return [(layer === "mean" ? last : layers.indexOf(layer)) * this.planes + heads];
    const rows = layer === "mean" ? layers.keys() : [layers.indexOf(layer)];
    const columns = head === "mean" ? [...Array(heads).keys()] : [head];
    return [...rows].flatMap((row) => columns.map((column) => row * this.planes + column));
  }

  #mean(planes) {
    const sum = new Float32Array(this.count * this.count);
    for (const plane of planes) this.#add(plane, sum);
    if (planes.length > 1) for (let i = 0; i < sum.length; i++) sum[i] /= planes.length;
    return sum;
  }

  #add(plane, sum) {
    const { count, bytes, places } = this;
    const { kept } = this.scene;
    const from = plane * count * kept;
    if (kept === count) {
      for (let i = 0; i < sum.length; i++) sum[i] += VALUE[bytes[from + i]];
      return;
    }
    for (let i = 0; i < count * kept; i++) sum[Math.floor(i / kept) * count + places[from + i]] += VALUE[bytes[from + i]];
  }
}

// What one row or column stands for: a token, or a word of several.
const RIGHT_TO_LEFT = /\p{Script=Arabic}|\p{Script=Hebrew}|\p{Script=Syriac}|\p{Script=Thaana}|\p{Script=Nko}/u;
const JOINS = /\p{Script=Arabic}/u;
const JOINER = "\u200d";

const directionOf = (text) => (RIGHT_TO_LEFT.test(text.match(/\p{L}/u)?.[0] ?? "") ? "rtl" : "ltr");

// Letters that join over a border of tokens keep their joined forms.
const tokenLabel = (scene, token, wordOf) => {
  const text = scene.tokens[token];
  const next = scene.tokens[token + 1] ?? "";
  const before = scene.tokens[token - 1] ?? "";
  const same = (other) => wordOf[token] !== undefined && wordOf[other] === wordOf[token];
  const left = same(token - 1) && JOINS.test(before.at(-1) ?? "") && JOINS.test(text[0] ?? "") ? JOINER : "";
  const right = same(token + 1) && JOINS.test(text.at(-1) ?? "") && JOINS.test(next[0] ?? "") ? JOINER : "";
  return left + text + right;
};

// A token of nothing but a space still has a name that can be seen.
const visible = (label) => (/[^▁\s]/u.test(label) ? label : "␣");

const itemsOf = (scene, units) => {
  const wordOf = [];
  scene.words.forEach((word, number) => word.tokens.forEach((token) => (wordOf[token] = number)));
  const directions = scene.texts.map(directionOf);
  const items = [];
  scene.tokens.forEach((text, token) => {
    const word = units === "words" ? wordOf[token] : undefined;
    if (word !== undefined && items.at(-1)?.word === word) {
      items.at(-1).tokens.push(token);
      return;
    }
    const sentence = scene.sentence[token];
    items.push({
      word,
      sentence,
      tokens: [token],
      special: scene.special[token],
      label: visible(word === undefined ? tokenLabel(scene, token, wordOf) : scene.words[word].text || text),
      direction: scene.special[token] ? "ltr" : directions[sentence],
      glued: units === "tokens" && wordOf[token] !== undefined && wordOf[token] === wordOf[token - 1],
    });
  });
  return items;
};

// A word gives what its tokens give on average, and gets what they get together.
const tableOf = (matrix, count, queries, keys) => {
  const column = new Int32Array(count).fill(-1);
  keys.forEach((key, place) => key.tokens.forEach((token) => (column[token] = place)));
  const cells = new Float32Array(queries.length * keys.length);
  queries.forEach((query, row) => {
    for (const token of query.tokens) {
      for (let other = 0; other < count; other++) {
        if (column[other] >= 0) cells[row * keys.length + column[other]] += matrix[token * count + other] / query.tokens.length;
      }
    }
  });
  return cells;
};

// The smallest weight of a row that is drawn: above the threshold, and among the largest that make up the mass.
const floorOf = (row, threshold, mass) => {
  if (mass >= 1) return threshold;
  const sorted = row.slice().sort().reverse();
  const wanted = mass * row.reduce((sum, weight) => sum + weight, 0);
  let sum = 0;
  const last = sorted.find((weight) => (sum += weight) >= wanted) ?? 0;
  return Math.max(threshold, last);
};

const drawnOf = (cells, columns, threshold, mass) => {
  const drawn = cells.slice();
  for (let from = 0; from < cells.length; from += columns) {
    const floor = floorOf(cells.subarray(from, from + columns), threshold, mass);
    for (let i = from; i < from + columns; i++) if (drawn[i] < floor) drawn[i] = 0;
  }
  return drawn;
};

// Cells that no token may read, by the reading table; nothing is drawn there.
const forbiddenOf = (scene, queries, keys) => {
  if (!scene.allowed.length) return () => false;
  const reads = (query, key) => query.tokens.some((one) => key.tokens.some((two) => scene.allowed[one][two] === "1"));
  const table = queries.map((query) => keys.map((key) => !reads(query, key)));
  return (row, column) => table[row][column];
};

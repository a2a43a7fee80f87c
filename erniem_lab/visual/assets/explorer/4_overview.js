// The overview: a cell for each layer and head, as dark as its statistic is large.

const BOX = 18;
const NAMES = 26;

const rangeOf = (values) => {
  const numbers = values.flat();
  return [Math.min(...numbers), Math.max(...numbers)];
};

const paintOverview = (canvas, scene, statistic, chosen, colours) => {
  const [low, high] = rangeOf(statistic.values);
  const pen = prepare(canvas, NAMES + BOX * scene.heads + 2, NAMES + BOX * scene.layers.length + 2, colours);
  pen.font = FONT.replace("13px", "11px");
  pen.textAlign = "center";
  const step = scene.heads > 14 ? 2 : 1;
  for (let head = 0; head < scene.heads; head += step) name(pen, colours, String(head), NAMES + (head + 0.5) * BOX, NAMES - 9);
  scene.layers.forEach((layer, row) => {
    name(pen, colours, String(layer), NAMES - 11, NAMES + (row + 0.5) * BOX);
    statistic.values[row].forEach((value, head) => {
      pen.fillStyle = shade(colours, high > low ? (value - low) / (high - low) : 0.5);
      pen.fillRect(NAMES + head * BOX, NAMES + row * BOX, BOX - 1, BOX - 1);
    });
  });
  frame(pen, colours, scene, chosen);
};

const name = (pen, colours, text, x, y) => {
  pen.fillStyle = colours.soft;
  pen.fillText(text, x, y);
};

// Around what is chosen: one box, or all that a mean is of.
const frame = (pen, colours, scene, { layer, head }) => {
  const [row, rows] = layer === "mean" ? [0, scene.layers.length] : [scene.layers.indexOf(layer), 1];
  const [column, columns] = typeof head === "string" ? [0, scene.heads] : [head, 1];
  const box = [NAMES + column * BOX, NAMES + row * BOX, columns * BOX - 1, rows * BOX - 1];
  for (const [colour, width] of [[colours.paper, 4], [colours.across, 2]]) {
    pen.strokeStyle = colour;
    pen.lineWidth = width;
    pen.strokeRect(...box);
  }
};

// The layer and head under the pointer, if any.
const boxAt = (scene, x, y) => {
  const [head, row] = [Math.floor((x - NAMES) / BOX), Math.floor((y - NAMES) / BOX)];
  const inside = head >= 0 && head < scene.heads && row >= 0 && row < scene.layers.length;
  return inside ? { layer: scene.layers[row], head, row } : null;
};

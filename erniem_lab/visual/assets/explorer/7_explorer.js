// The view: the picture, and what pointer and keys do to it, and what it says in words and numbers.

const HINT = "Point at a word, or walk with the arrow keys, for its numbers; click or Enter pins it.";

class Explorer extends Picture {
  hands() {
    this.scroller.addEventListener("scroll", () => this.paint());
    this.canvas.addEventListener("pointermove", (event) => this.point(this.under(event)));
    this.canvas.addEventListener("pointerleave", () => this.point(null));
    this.canvas.addEventListener("click", (event) => this.pin(this.under(event)?.item));
    this.canvas.addEventListener("keydown", (event) => this.key(event));
    this.grid.addEventListener("pointermove", (event) => this.say(boxAt(this.get("scene"), event.offsetX, event.offsetY)));
    this.grid.addEventListener("pointerleave", () => this.say(null));
    this.grid.addEventListener("click", (event) => this.choose(boxAt(this.get("scene"), event.offsetX, event.offsetY)));
    this.grid.addEventListener("keydown", (event) => this.walk(event));
  }

  // What stands at the pointer: a label, or a cell, which is of two.
  under(event) {
    const { layout, scroller } = this;
    const fixed = layout.kind === "matrix";
    const [left, top] = [scroller.scrollLeft, scroller.scrollTop];
    const [x, y] = [event.offsetX + left, event.offsetY + top];
    const inside = (place, dx, dy) => x >= place.x + dx - 3 && x < place.x + dx + place.w + 3 && y >= place.y + dy && y < place.y + dy + place.h;
    const column = layout.keys.find((place) => inside(place, 0, fixed ? top : 0));
    if (column && (!fixed || event.offsetY < layout.top)) return { role: "key", item: column.item, key: column.item };
    const row = layout.queries.find((place) => inside(place, fixed ? left : 0, 0));
    if (row && (!fixed || event.offsetX < layout.left)) return { role: "query", item: row.item, query: row.item };
    if (!fixed || event.offsetX < layout.left || event.offsetY < layout.top) return null;
    const key = layout.keys.find((place) => x >= place.x && x < place.x + CELL)?.item;
    const query = layout.queries.find((place) => y >= place.y && y < place.y + CELL)?.item;
    return key && query ? { role: "cell", item: query, query, key } : null;
  }

  point(found) {
    if (found?.query === this.hover?.query && found?.key === this.hover?.key) return;
    this.hover = found;
    this.canvas.style.cursor = found ? "pointer" : "default";
    this.paint();
  }

  pin(item) {
    if (!item) return this.set("token", null);
    return this.set("token", item.tokens.includes(this.get("token")) ? null : item.tokens[0]);
  }

  // Arrow keys walk over who reads, in the order in which it stands on the screen.
  key(event) {
    const steps = { ArrowLeft: -1, ArrowUp: -1, ArrowRight: 1, ArrowDown: 1 };
    const places = this.layout.queries.slice().sort((one, two) => (this.layout.kind === "rows" ? one.x - two.x : one.y - two.y));
    const at = places.findIndex((place) => place.item === this.focus()?.item);
    if (event.key === "Escape") {
      this.hover = null;
      this.set("token", null);
    } else if (event.key === "Enter" || event.key === " ") this.pin(this.hover?.item);
    else if (event.key in steps) this.walkTo(places[Math.max(0, Math.min(places.length - 1, at + steps[event.key]))]);
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  walkTo(place) {
    if (!place) return;
    const { scroller } = this;
    this.hover = { role: "query", item: place.item, query: place.item };
    if (this.layout.kind === "rows") scroller.scrollLeft = place.x + place.w / 2 - scroller.clientWidth / 2;
    else scroller.scrollTop = place.y - scroller.clientHeight / 2;
    this.paint();
  }

  choose(box) {
    if (!box) return;
    this.model.set("layer", box.layer);
    this.set("head", box.head);
  }

  walk(event) {
    const { layers, heads } = this.get("scene");
    const moves = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] };
    const move = moves[event.key];
    if (!move) return;
    event.preventDefault();
    event.stopPropagation();
    const [row, head] = [layers.indexOf(this.get("layer")), typeof this.get("head") === "number" ? this.get("head") : -1];
    const within = (value, count) => Math.max(0, Math.min(count - 1, value));
    this.choose({ layer: layers[within(row + move[0], layers.length)], head: within(head + move[1], heads) });
  }

  statistic(scene) {
    return scene.statistics.find(({ name }) => name === this.get("statistic")) ?? scene.statistics[0];
  }

  overview(scene) {
    const statistic = this.statistic(scene);
    paintOverview(this.grid, scene, statistic, { layer: this.get("layer"), head: this.get("head") }, this.colours);
    this.say(null);
  }

  say(box) {
    const scene = this.get("scene");
    const { name, unit, about, values } = this.statistic(scene);
    const [low, high] = rangeOf(values).map(number);
    const unitOf = unit === "share" ? "" : ` ${unit}`;
    this.scale.textContent = box
      ? `layer ${box.layer}, head ${box.head}: ${number(values[box.row][box.head])}${unitOf}`
      : `${low} to ${high}${unitOf}: ${about}. A row for each layer, a column for each head.`;
    this.swatch.style.background = `linear-gradient(to right, ${shade(this.colours, 0)}, ${shade(this.colours, 1)})`;
    this.grid.setAttribute("aria-label", `${name} of each head: ${about}, from ${low} to ${high}${unitOf}`);
  }

  tell(focus) {
    const rows = [];
    if (this.hover?.role === "cell") rows.push(this.cellLine(this.hover));
    else if (focus) {
      if (focus.role !== "key") rows.push(this.listLine(focus.item, "query", "reads"));
      if (focus.role !== "query") rows.push(this.listLine(focus.item, "key", "is read by"));
    }
    if (!rows.some(Boolean)) rows.push(make("p", { className: "hint", textContent: HINT }));
    this.details.replaceChildren(...rows.filter(Boolean));
    this.status.textContent = this.summary();
    this.canvas.setAttribute("aria-label", `${this.status.textContent} ${this.details.textContent}`);
  }

  weight(query, key) {
    const [row, column] = [this.layout.queries.findIndex((place) => place.item === query), this.layout.keys.findIndex((place) => place.item === key)];
    return [this.cells[row * this.layout.keys.length + column], this.forbidden(row, column)];
  }

  cellLine({ query, key }) {
    const [weight, shut] = this.weight(query, key);
    return make("p", {}, make("bdi", { textContent: query.label }), " reads ", make("bdi", { textContent: key.label }), shut ? ": forbidden" : `: ${number(weight)}`);
  }

  listLine(item, role, verb) {
    const others = (role === "query" ? this.layout.keys : this.layout.queries).map((place) => place.item);
    const mine = (role === "query" ? this.layout.queries : this.layout.keys).some((place) => place.item === item);
    if (!mine) return null;
    const weighed = others.map((other) => [other, role === "query" ? this.weight(item, other)[0] : this.weight(other, item)[0]]);
    const best = weighed.sort(([, one], [, two]) => two - one).slice(0, 6);
    const parts = best.map(([other, weight]) => make("span", {}, make("bdi", { textContent: other.label }), ` ${number(weight)}`));
    return make("p", {}, make("b", {}, make("bdi", { textContent: item.label })), ` ${verb} `, ...parts);
  }

  summary() {
    const { scene, sum } = { scene: this.get("scene"), sum: (values) => values.reduce((total, value) => total + value, 0) };
    const lines = this.shown.reduce((count, weight) => count + (weight > 0), 0);
    const held = sum(this.shown) / Math.max(this.layout.queries.length, 1);
    const where = `layer ${this.get("layer")}, head ${this.get("head")}`;
    const part = scene.kept < scene.tokens.length ? ` Only the ${scene.kept} largest weights of each token are stored, ${Math.round(100 * scene.share)} % of all.` : "";
    return `${where}; ${this.layout.says}. ${lines} of ${this.shown.length} weights drawn; they hold ${Math.round(100 * held)} % of what a row gives.${part}`;
  }
}

export default {
  render({ model, el }) {
    const view = new Explorer(model, el.appendChild(document.createElement("div")));
    return () => view.end();
  },
};

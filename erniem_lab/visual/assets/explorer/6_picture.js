// The picture: controls, overview and canvas around one model, redrawn whenever any of its values changes.

const DRAWN_BY = ["scene", "weights", "layer", "head", "token", "view", "pair", "units", "specials", "threshold", "mass", "statistic", "can_trace", "fault"];
const TALLEST = 560; // pixels of the picture in sight

const isDark = () => {
  const lab = document.body.dataset.jpThemeLight;
  return lab === undefined ? matchMedia("(prefers-color-scheme: dark)").matches : lab === "false";
};

const number = (weight) => weight.toFixed(3);

class Picture {
  constructor(model, root) {
    this.model = model;
    this.root = root;
    this.hover = null;
    this.refreshers = [];
    this.ends = [];
    this.alive = false;
    this.fresh = true;
    this.build();
    this.listen();
    this.draw();
  }

  get(name) {
    return this.model.get(name);
  }

  set(name, value) {
    this.model.set(name, value);
    this.model.save_changes();
  }

  build() {
    this.canvas = make("canvas", { tabIndex: 0, className: "picture", role: "img" });
    this.canvas.setAttribute("aria-roledescription", "attention picture; arrow keys move, Enter pins, Escape lets go");
    this.sizer = make("div", { className: "sizer" }, this.canvas);
    this.scroller = make("div", { className: "scroller" }, this.sizer);
    this.grid = make("canvas", { tabIndex: 0, className: "overview", role: "img" });
    this.swatch = make("span", { className: "swatch" });
    this.scale = make("p", { className: "scale" });
    const names = () => this.get("scene").statistics.map(({ name, unit }) => [name, `${name} (${unit})`]);
    const side = make("div", { className: "side" }, labelled("heads by", picker(this, "statistic", names)), this.grid, this.swatch, this.scale);
    this.status = make("p", { className: "status" });
    this.details = make("div", { className: "details", ariaLive: "polite" });
    const stage = make("div", { className: "stage" }, this.scroller, legend(this), this.details, this.status);
    this.root.append(toolbar(this), make("div", { className: "body" }, side, stage), tracer(this));
    this.root.classList.add("erniem-explorer");
    this.root.dataset.lmSuppressShortcuts = "true"; // JupyterLab leaves keys to this view
  }

  listen() {
    let waiting = false;
    const later = () => {
      if (waiting) return;
      waiting = true;
      queueMicrotask(() => ((waiting = false), this.draw()));
    };
    const changed = () => ((this.fresh = true), later());
    const hear = (event, listener) => (this.model.on(event, listener), this.ends.push(() => this.model.off(event, listener)));
    for (const name of DRAWN_BY) hear(`change:${name}`, ["scene", "weights"].includes(name) ? changed : later);
    hear("msg:custom", (message) => message?.kind === "here" && ((this.alive = true), later()));
    this.model.send?.({ kind: "hello" });
    const theme = new MutationObserver(later);
    theme.observe(document.body, { attributes: true, attributeFilter: ["data-jp-theme-light"] });
    const room = new ResizeObserver(() => this.scroller.clientWidth !== this.width && later());
    room.observe(this.scroller);
    const system = matchMedia("(prefers-color-scheme: dark)");
    system.addEventListener("change", later);
    document.fonts?.addEventListener?.("loadingdone", later);
    this.ends.push(() => theme.disconnect(), () => room.disconnect(), () => system.removeEventListener("change", later));
    this.hands();
  }

  end() {
    this.ends.forEach((end) => end());
    this.root.remove();
  }

  // Everything anew; what it takes is on the browser's own record, under this name.
  draw() {
    const start = performance.now();
    const scene = this.get("scene");
    const { fresh } = this;
    if (fresh) {
      this.weights = new Weights(scene, this.get("weights"));
      this.hover = null;
    }
    this.refreshers.forEach((refresh) => refresh());
    this.fresh = false;
    this.colours = INK[isDark() ? "dark" : "light"];
    this.root.classList.toggle("dark", isDark());
    this.overview(scene);
    this.arrange(scene);
    this.hover = this.renewed(this.hover);
    if (fresh && this.layout.start === "right") this.scroller.scrollLeft = this.layout.width;
    this.paint();
    performance.measure("erniem-explorer", { start, end: performance.now() });
  }

  arrange(scene) {
    const pair = scene.texts.length < 2 ? "all" : this.get("pair");
    const items = itemsOf(scene, this.get("units")).filter((item) => this.get("specials") || !item.special);
    const of = (letter) => items.filter((item) => pair === "all" || "ab"[item.sentence] === letter);
    const [queries, keys] = [of(pair[0]), of(pair[1])];
    const matrix = this.weights.matrix(this.get("layer"), this.get("head"));
    this.forbidden = forbiddenOf(scene, queries, keys);
    this.cells = tableOf(matrix, this.weights.count, queries, keys).map((weight, i) => (this.forbidden(Math.floor(i / keys.length), i % keys.length) ? 0 : weight));
    this.shown = drawnOf(this.cells, keys.length, this.get("threshold"), this.get("mass"));
    const pen = this.canvas.getContext("2d");
    pen.font = FONT;
    const widths = new Map([...queries, ...keys].map((item) => [item, pen.measureText(item.label).width]));
    this.width = this.scroller.clientWidth;
    this.layout = LAYOUTS[this.get("view")](queries, keys, (item) => Math.min(WIDEST, widths.get(item)), { width: (this.width || 640) - 2 });
    this.sizer.style.width = `${this.layout.width}px`;
    this.sizer.style.height = `${this.layout.height}px`;
    this.scroller.style.height = `${Math.min(TALLEST, this.layout.height) + 14}px`;
  }

  // The same thing among the labels of now; nothing if it is no longer there.
  renewed(hover) {
    if (!hover) return null;
    const find = (places, old) => old && places.find(({ item }) => item.tokens.includes(old.tokens[0]))?.item;
    const [query, key] = [find(this.layout.queries, hover.query), find(this.layout.keys, hover.key)];
    const lost = (hover.query && !query) || (hover.key && !key);
    return lost ? null : { role: hover.role, item: query ?? key, query, key };
  }

  paint() {
    const [width, height] = [Math.min(this.layout.width, this.width || this.layout.width), Math.min(TALLEST, this.layout.height)];
    const [left, top] = [this.scroller.scrollLeft, this.scroller.scrollTop];
    const seen = { left, top, right: left + width, bottom: top + height };
    const pen = prepare(this.canvas, width, height, this.colours, [left, top]);
    const focus = this.focus();
    if (this.layout.kind === "matrix") {
      paintCells(pen, this.layout, this.shown, this.colours, this.forbidden, seen);
      paintHeads(pen, this.layout, this.colours, focus, seen);
    } else {
      paintLines(pen, this.layout, this.shown, this.colours, focus, seen);
      paintLabels(pen, this.layout, this.colours, focus, seen);
    }
    this.tell(focus);
  }

  // What is pointed at, or else pinned: whose lines alone are drawn, and whose labels are marked.
  focus() {
    const { hover } = this;
    const pinned = this.get("token");
    const isPinned = (item) => pinned !== null && item.tokens.includes(pinned);
    if (hover) {
      const is = (item, role) => hover[role] === item;
      return { item: hover.item, role: hover.role, is, has: is };
    }
    const item = [...this.layout.queries, ...this.layout.keys].map((place) => place.item).find(isPinned);
    return item ? { item, is: isPinned, has: isPinned } : null;
  }
}

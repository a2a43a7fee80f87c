// Controls: native elements, so that keyboard and screen reader know them; text goes in as text, never as markup.

const make = (tag, properties = {}, ...children) => {
  const element = Object.assign(document.createElement(tag), properties);
  element.append(...children);
  return element;
};

const labelled = (text, control, title = "") => make("label", { title }, make("span", { textContent: text }), control);

const VIEWS = { rows: "lines between texts", columns: "lines between lists", matrix: "matrix" };
const PAIRS = { all: "all", aa: "A → A", ab: "A → B", ba: "B → A", bb: "B → B" };
const UNITS = { tokens: "tokens", words: "words" };

// One picker for a value of the model; values that are not in the list show as nothing chosen.
const picker = (link, name, choices) => {
  const select = make("select", { name });
  const fill = (pairs) => {
    select.replaceChildren(...pairs.map(([value, text]) => make("option", { value: JSON.stringify(value), textContent: text })));
    select.value = JSON.stringify(link.get(name));
  };
  select.addEventListener("change", () => link.set(name, JSON.parse(select.value)));
  link.refreshers.push(() => fill(choices()));
  return select;
};

const slider = (link, name, steps, show) => {
  const input = make("input", { type: "range", name, min: 0, max: steps.length - 1, step: 1 });
  const output = make("output");
  input.addEventListener("input", () => link.set(name, steps[Number(input.value)]));
  link.refreshers.push(() => {
    const nearest = steps.reduce((best, step) => (Math.abs(step - link.get(name)) < Math.abs(best - link.get(name)) ? step : best));
    input.value = String(steps.indexOf(nearest));
    output.textContent = show(link.get(name));
    input.setAttribute("aria-valuetext", output.textContent);
  });
  return make("span", { className: "slider" }, input, output);
};

const tick = (link, name) => {
  const input = make("input", { type: "checkbox", name });
  input.addEventListener("change", () => link.set(name, input.checked));
  link.refreshers.push(() => (input.checked = link.get(name)));
  return input;
};

const THRESHOLDS = [0, 0.005, 0.01, 0.02, 0.03, 0.04, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9];
const MASSES = [0.25, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 1];

const toolbar = (link) => {
  const scene = () => link.get("scene");
  const entries = (names) => () => Object.entries(names);
  const pairs = labelled("pair", picker(link, "pair", entries(PAIRS)), "A is the first text, B the second; who reads → who is read");
  link.refreshers.push(() => (pairs.hidden = scene().texts.length < 2));
  const layers = () => [...scene().layers.map((layer) => [layer, String(layer)]), ["mean", "mean of all"]];
  const heads = () => [...Array(scene().heads).keys()].map((head) => [head, String(head)]).concat([["mean", "mean of all"], ["rollout", "rollout"]]);
  return make(
    "div",
    { className: "tools" },
    labelled("layer", picker(link, "layer", layers)),
    labelled("head", picker(link, "head", heads), "rollout: what of each token has come through attention up to this layer"),
    labelled("view", picker(link, "view", entries(VIEWS))),
    pairs,
    labelled("by", picker(link, "units", entries(UNITS)), "words: what their tokens give on average and get together"),
    labelled("weights from", slider(link, "threshold", THRESHOLDS, (value) => value.toFixed(3).replace(/0$/, ""))),
    labelled("largest that hold", slider(link, "mass", MASSES, (value) => `${Math.round(100 * value)} %`), "of what each row gives to what is shown"),
    labelled("[CLS], [SEP]", tick(link, "specials")),
  );
};

// Another text to follow: Python does that, so without it the boxes hold the text that was followed and say so.
const tracer = (link) => {
  const boxes = [0, 1].map((side) => make("input", { type: "text", dir: "auto", ariaLabel: `text ${"AB"[side]}`, placeholder: side ? "text B (none: one text alone)" : "text A" }));
  const button = make("button", { type: "submit", textContent: "trace" });
  const note = make("span", { className: "note", role: "status" });
  const form = make("form", { className: "trace" }, ...boxes, button, note);
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const texts = boxes.map((box) => box.value).filter((text, side) => !side || text);
    if (JSON.stringify(texts) === JSON.stringify(link.get("texts"))) return;
    link.set("fault", "tracing…");
    link.set("texts", texts);
  });
  form.addEventListener("keydown", (event) => {
    event.stopPropagation(); // a notebook has other uses for Enter
    if (event.key !== "Enter" || event.isComposing || event.target === button) return;
    event.preventDefault();
    form.requestSubmit(button);
  });
  link.refreshers.push(() => {
    form.hidden = !link.get("can_trace");
    const typing = boxes.includes(form.getRootNode().activeElement);
    if (!typing || link.fresh) boxes.forEach((box, side) => (box.value = link.get("scene").texts[side] ?? ""));
    for (const control of [...boxes, button]) control.disabled = !link.alive;
    note.textContent = link.alive ? link.get("fault") : "Tracing another text needs Python: it works where the notebook runs.";
  });
  return form;
};

// What the colours of lines mean; a matrix has one colour only.
const legend = (link) => {
  const kinds = { within: "in one text", across: "to the other text", special: "from or to [CLS], [SEP]" };
  const list = make("p", { className: "legend" }, ...Object.entries(kinds).map(([kind, text]) => make("span", { className: kind, textContent: text })));
  link.refreshers.push(() => (list.hidden = link.get("view") === "matrix"));
  return list;
};

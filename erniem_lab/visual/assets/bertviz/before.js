"use strict";
// Stands before bertviz's own program: its data, unpacked, and its libraries in place of a loader from the network.
(() => {
  const { settings, tokens, second, shape, weights, neurons, pieces } = JSON.parse(document.getElementById("data").textContent);
  const bytes = Uint8Array.from(atob(weights), (letter) => letter.charCodeAt(0));
  const [layers, heads, count] = shape;
  const numbers = (size) => [...Array(size).keys()];
  const row = (layer, head, query) => {
    const from = ((layer * heads + head) * count + query) * count;
    return Array.from(bytes.subarray(from, from + count), (byte) => Math.round(10000 * (byte / 255) ** 2) / 10000);
  };
  const attention = numbers(layers).map((layer) => numbers(heads).map((head) => numbers(count).map((query) => row(layer, head, query))));
  const cut = (values, [from, to]) => values.map((layer) => layer.map((head) => head.slice(from, to)));
  const part = ([name, left, right]) => ({
    name,
    attn: attention.map((layer) => layer.map((head) => head.slice(...left).map((line) => line.slice(...right)))),
    left_text: tokens.slice(...left),
    right_text: tokens.slice(...right),
    ...(neurons && { queries: cut(neurons.queries, left), keys: cut(neurons.keys, right) }),
  });
  const all = [0, count];
  const [one, two] = [[0, second], [second, count]];
  const pair = [["All", all, all], ["A → A", one, one], ["B → B", two, two], ["A → B", one, two], ["B → A", two, one]];
  const parts = (second ? pair : pair.slice(0, 1)).map(part);
  settings.attention = pieces ? Object.fromEntries(pieces.map((name, place) => [name, parts[place]])) : parts;
  window.bertviz_params = settings;
  window.require = { config() {} };
  window.requirejs = (names, program) => program(window.jQuery, window.d3);
})();

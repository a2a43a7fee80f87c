
// The same view in a file: its values come from the page, and nobody hears of changes.
{
  const { values, weights } = JSON.parse(document.getElementById("values").textContent);
  values.weights = Uint8Array.from(atob(weights), (letter) => letter.charCodeAt(0));
  const heard = {};
  const model = {
    get: (name) => values[name],
    set(name, value) {
      values[name] = value;
      (heard[`change:${name}`] ?? []).forEach((listener) => listener());
    },
    on: (event, listener) => (heard[event] ??= []).push(listener),
    off() {},
    save_changes() {},
  };
  const el = document.getElementById("view");
  el.replaceChildren();
  new Explorer(model, el.appendChild(document.createElement("div")));
}

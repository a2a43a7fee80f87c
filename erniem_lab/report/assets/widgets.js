"use strict";
// Draws saved anywidget views without a kernel: state in, no messages out.
(() => {
  const states = JSON.parse(document.getElementById("states").textContent);

  const bytes = (text) => Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));

  const revived = ({ state, buffers }) => {
    for (const { path, data } of buffers) {
      const holder = path.slice(0, -1).reduce((value, key) => value[key], state);
      holder[path.at(-1)] = new DataView(bytes(data).buffer);
    }
    return state;
  };

  const modelOf = (state) => {
    const heard = {};
    const tell = (event, ...values) => (heard[event] ?? []).forEach((listener) => listener(...values));
    return {
      get: (name) => state[name],
      set(name, value) {
        if (state[name] === value) return;
        state[name] = value;
        tell(`change:${name}`, this, value);
        tell("change", this);
      },
      on(events, listener) {
        for (const event of events.split(" ")) (heard[event] ??= []).push(listener);
      },
      off(event, listener) {
        heard[event] = (heard[event] ?? []).filter((other) => listener && other !== listener);
      },
      save_changes() {},
      send() {},
    };
  };

  const models = {};
  const draw = async (id, place) => {
    const entry = states[id];
    if (!entry) return false;
    const state = entry.state;
    const first = !models[id];
    const model = (models[id] ??= modelOf(revived(entry)));
    const style = place.appendChild(document.createElement("style"));
    style.textContent = state._css ?? "";
    const view = place.appendChild(document.createElement("div"));
    const address = URL.createObjectURL(new Blob([state._esm], { type: "text/javascript" }));
    const module = await import(address);
    URL.revokeObjectURL(address);
    const made = module.default ?? module;
    const widget = typeof made === "function" ? await made() : made;
    const signal = new AbortController().signal;
    if (first) await widget.initialize?.({ model, signal, experimental: {} });
    await widget.render?.({ model, el: view, signal, experimental: {} });
    return true;
  };

  for (const place of document.querySelectorAll(".widget")) {
    const stage = document.createElement("div");
    draw(place.dataset.model, stage).then((drawn) => {
      if (drawn) place.replaceChildren(stage);
    }, (fault) => {
      place.querySelector(".note").textContent = `This view could not be drawn: ${fault}`;
    });
  }
})();

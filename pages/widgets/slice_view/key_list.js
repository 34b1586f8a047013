// The list of keys, which ? shows.

import { made } from "./dom.js";

/** Of the mouse as written, and of a table of keys. */
export class KeyList {
  constructor(mouse, keys, onClose) {
    const close = made("button", "", { type: "button", textContent: "Close", onclick: () => this.root.close() });
    const rows = [...mouse, ...keys.map(([, written, what]) => [written, what])];
    this.presets = made("tbody");
    const table = made("table", "", {}, made("tbody", "", {}, ...rows.map(rowOf)), this.presets);
    this.root = made("dialog", "keys", { ariaLabel: "Keys" }, made("h3", "", { textContent: "Keys and mouse" }), table, close);
    this.root.onclose = onClose;
  }

  /** Open with these windows that have keys of their own, or closed if it was open. */
  toggle(presets) {
    if (this.root.open) return this.root.close();
    const written = presets.filter((one) => one.key).map(({ key, name, width, centre }) => [key, `Window ${name} ${width}/${centre}`]);
    this.presets.replaceChildren(...written.map(rowOf));
    return this.root.showModal();
  }

  close() {
    if (this.root.open) this.root.close();
  }
}

function rowOf([written, what]) {
  return made("tr", "", {}, made("td", "", {}, made("kbd", "", { textContent: written })), made("td", "", { textContent: what }));
}

// Every defect as a card with what a few photos show of it; crops load when they come into view.

import { fill, make } from "./elements.js";
import { address } from "./server.js";
import { SHAPES } from "./marks.js";
import { few, keyOf, nameOf, placeOf, STATES } from "./words.js";

const AT_ONCE = 60; // cards made before the browser may draw

export class Gallery {
  constructor(list, { onChoose }) {
    this.list = list;
    this.onChoose = onChoose;
    this.cards = new Map();
    this.shown = "";
    list.addEventListener("click", (event) => {
      const card = event.target.closest("button");
      if (card) onChoose(card.dataset.key, { byHand: true });
    });
  }

  /** Show defects in their order; cards that are there already stay as they are. */
  show(map, defects, photos) {
    const wanted = `${map.id} ${photos.map((photo) => photo.id).join()}`;
    if (wanted !== this.shown) {
      this.shown = wanted;
      this.cards.clear();
    }
    for (const defect of defects) this.#card(map, defect, photos.length > 0);
    const cards = defects.map((defect) => this.cards.get(keyOf(defect)).entry);
    const now = [...this.list.children];
    if (cards.length === now.length && cards.every((card, n) => card === now[n])) return;
    fill(this.list, ...cards.slice(0, AT_ONCE));
    cancelAnimationFrame(this.rest);
    const more = (from) => {
      this.list.append(...cards.slice(from, from + AT_ONCE));
      if (from + AT_ONCE < cards.length) this.rest = requestAnimationFrame(() => more(from + AT_ONCE));
    };
    if (cards.length > AT_ONCE) this.rest = requestAnimationFrame(() => more(AT_ONCE));
  }

  #card(map, defect, has_photos) {
    const key = keyOf(defect);
    let card = this.cards.get(key);
    if (!card) {
      const picture = make("img", { alt: "", loading: "lazy", decoding: "async", width: 218, height: 50 });
      if (has_photos) picture.src = address(`api/maps/${map.id}/crops?x=${defect.x}&y=${defect.y}&v=${photosTag(this.shown)}`);
      picture.hidden = !has_photos;
      const title = make("b");
      const doubt = make("span", { class: "doubt" });
      const state = make("span", { class: "state" });
      const button = make("button", { type: "button" }, picture,
        make("span", { class: "line" }, title, doubt, state));
      button.dataset.key = key;
      card = { entry: make("li", {}, button), button, title, doubt, state };
      this.cards.set(key, card);
    }
    card.title.textContent = `${placeOf(defect)} ${nameOf(defect)}`;
    card.doubt.textContent = defect.score ? `q ${few(defect.q)}` : "added";
    card.state.textContent = STATES[defect.state].split(" ")[0];
    card.button.dataset.state = defect.state;
    card.button.dataset.shape = SHAPES[defect.state];
  }

  mark(key, { reveal }) {
    this.list.querySelector("[aria-current]")?.removeAttribute("aria-current");
    const card = this.cards.get(key);
    if (!card) return;
    card.button.setAttribute("aria-current", "true");
    if (reveal) card.entry.scrollIntoView({ block: "nearest", inline: "nearest" });
    if (this.list.contains(document.activeElement)) card.button.focus({ preventScroll: true });
  }
}

/** Another set of photos, other crops: the address must differ, for it is cached. */
function photosTag(text) {
  let sum = 0;
  for (const mark of text) sum = (sum * 31 + mark.codePointAt(0)) >>> 0;
  return sum.toString(36);
}

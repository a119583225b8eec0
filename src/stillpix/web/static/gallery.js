// Every defect as a card: the photos that show it best and least, and why it is listed. A card is
// filled when it comes near the window.

import { fill, make } from "./elements.js";
import { address } from "./server.js";
import { SHAPES } from "./marks.js";
import { few, isVideo, keyOf, nameOf, ofPhoto, placeOf, signed, STATES } from "./words.js";

const AT_ONCE = 60; // cards made before the browser may draw
const AHEAD = "900px"; // below the window, a card is filled already
const BEST = 2; // crops of a card that is not chosen, and LEAST of those that show it least
const LEAST = 1;
const TITLES = { best: "Shows it best", least: "Shows it least" };

export class Gallery {
  /** `onChoose` gets a defect's key and, where a crop of it was clicked, the crop. */
  constructor(list, { onChoose }) {
    this.list = list;
    this.cards = new Map();
    this.sights = new Map();
    this.shown = "";
    this.contrast = "raised";
    this.near = new IntersectionObserver((seen) => {
      for (const each of seen) if (each.isIntersecting) this.#fill(this.cards.get(each.target.dataset.key));
    }, { root: null, rootMargin: AHEAD });
    list.addEventListener("click", (event) => {
      const entry = event.target.closest("li");
      if (!entry) return;
      const figure = event.target.closest("[data-crop]");
      onChoose(entry.dataset.key, figure ? this.sights.get(entry.dataset.key).crops[figure.dataset.crop] : null);
    });
  }

  /** Show defects in their order; cards that are there already stay as they are. */
  show(map, defects) {
    this.ofVideo = isVideo(map);
    if (map.id !== this.shown) {
      this.shown = map.id;
      this.sights = new Map();
      this.cards.clear();
    }
    for (const defect of defects) this.#card(defect);
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

  /** Show what the photos show; `tag` is another where they are others, for crops are cached. */
  see(sights, tag) {
    this.tag = tag;
    this.sights = new Map(sights.map((each) => [keyOf(each), each]));
    for (const card of this.cards.values()) this.#fill(card, { anew: true });
  }

  contrastIs(contrast) {
    this.contrast = contrast;
    for (const card of this.cards.values()) this.#fill(card, { anew: true });
  }

  #card(defect) {
    const key = keyOf(defect);
    let card = this.cards.get(key);
    if (!card) {
      const title = make("b");
      const doubt = make("span", { class: "doubt" });
      const state = make("span", { class: "state" });
      const button = make("button", { type: "button", class: "choose" }, title, doubt, state);
      const crops = make("div", { class: "crops", tabindex: 0, role: "group", "aria-label": `Photos of ${placeOf(defect)}` });
      const why = make("p", { class: "why" });
      card = { defect, entry: make("li", { class: "sight" }, button, why, crops), button, title, doubt, state, crops, why, filled: "" };
      card.entry.dataset.key = key;
      this.cards.set(key, card);
      this.near.observe(card.entry);
    }
    card.title.textContent = `${placeOf(defect)} ${nameOf(defect)}`;
    card.doubt.textContent = defect.score ? `doubt ${few(defect.q)}` : "added by you";
    card.state.textContent = STATES[defect.state].split(" ")[0];
    card.entry.dataset.state = defect.state;
    card.entry.dataset.shape = SHAPES[defect.state];
  }

  /** Fill a card, or fill it again where it has been. */
  #fill(card, { anew = false } = {}) {
    if (anew && !card.filled && !card.entry.hasAttribute("aria-current")) return;
    const sight = this.sights.get(card.entry.dataset.key);
    const chosen = card.entry.hasAttribute("aria-current");
    const wanted = sight ? `${this.tag} ${this.contrast} ${chosen} ${sight.why} ${sight.crops.length}` : "waiting";
    if (card.filled === wanted) return;
    card.filled = wanted;
    card.why.textContent = sight ? sight.why.join(" ") : "";
    if (!sight) return fill(card.crops, ...[1, 2, 3].map(() => make("figure", { class: "waiting" }, make("span", { class: "frame" }))));
    let best = 0, least = 0;
    const figures = sight.crops.map((crop, number) => {
      const more = crop.shows === "best" ? (best += 1) > BEST : (least += 1) > LEAST;
      return more && !chosen ? null : this.#figure(sight, crop, number);
    });
    fill(card.crops, ...figures);
    if (!sight.crops.length) {
      card.crops.append(make("p", { class: "hint" }, sight.along
        ? "A whole stretch: look at it in the photo."
        : this.ofVideo ? "" : "No opened photo can show it: open a folder of this camera's photos."));
    }
  }

  #figure(sight, crop, number) {
    const from = `api/maps/${this.shown}/crops?x=${sight.x}&y=${sight.y}&number=${number}&contrast=${this.contrast}&v=${this.tag}`;
    const title = TITLES[crop.shows];
    const picture = make("img", { src: address(from), alt: "", width: 25, height: 25, loading: "lazy", decoding: "async" });
    return make("figure", {},
      make("button", { type: "button", class: "frame", "data-crop": number, "aria-label": `${title}: ${crop.name}; open this photo` },
        picture, make("i", { class: "pointer" })),
      make("figcaption", {}, make("b", {}, title), ` ${ofPhoto(crop)}, `,
        `${signed(crop.excess)} grey ${Math.abs(crop.excess) === 1 ? "level" : "levels"}`));
  }

  mark(key, { reveal }) {
    const before = this.list.querySelector("[aria-current]");
    before?.removeAttribute("aria-current");
    if (before && before.dataset.key !== key) this.#fill(this.cards.get(before.dataset.key));
    const card = this.cards.get(key);
    if (!card) return;
    card.entry.setAttribute("aria-current", "true");
    this.#fill(card);
    if (reveal) this.#bringUp(card.entry);
    if (this.list.contains(document.activeElement)) card.button.focus({ preventScroll: true });
  }

  /** Bring a card to the top: its pictures come later, and it grows downwards. */
  #bringUp(entry) {
    const { list } = this;
    if (list.scrollHeight > list.clientHeight) list.scrollTop = entry.offsetTop - list.offsetTop - 3;
    else entry.scrollIntoView({ block: "nearest", inline: "nearest" });
  }
}

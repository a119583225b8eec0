// One photo before and after its repair: side by side, with a divider, or blinking; one place after
// the other, as large as is wanted.

import { at } from "./elements.js";
import { PhotoViewer, tilesOf } from "./viewer.js";

const { OpenSeadragon } = window;
const BLINK_MS = 700;
const FIRST_SIZE = 8; // px of the screen for one of the photo
export const VIEWS = ["side", "divide", "blink"];

export class Comparison {
  /** `marks` returns the repaired places, `onSize` gets each new size; the page has one such stage. */
  constructor({ marks, onSize }) {
    this.stage = at("compare-stage");
    this.photo = null;
    this.view = "side";
    this.size = FIRST_SIZE;
    this.held = false;
    const label = (which) => `Photo ${which} repair: arrow keys move it, plus and minus zoom`;
    this.before = new PhotoViewer(at("compare-viewer"), { label: label("before"), marks, onMove: () => { this.#moved(this.before, this.after); onSize(this.sizeNow()); }, onResize: () => this.goTo(this.place) });
    this.after = new PhotoViewer(at("after-viewer"), { label: label("after"), marks, onMove: () => this.#moved(this.after, this.before) });
    at("split").addEventListener("input", () => this.draw());
    const divider = this.stage.querySelector(".divider");
    divider.addEventListener("pointerdown", (event) => divider.setPointerCapture(event.pointerId));
    divider.addEventListener("pointermove", (event) => {
      if (!divider.hasPointerCapture(event.pointerId)) return;
      const box = this.stage.getBoundingClientRect();
      at("split").value = (100 * (event.clientX - box.left)) / box.width;
      this.draw();
    });
    divider.addEventListener("dblclick", () => {
      at("split").value = 50;
      this.draw();
    });
  }

  /** Show a photo as stored and, where it is repaired, as that. */
  async open(photo, version, repaired) {
    this.photo = photo;
    const layers = () => [tilesOf(photo), ...(repaired ? [tilesOf(photo, "repaired", version)] : [])].map(
      (tileSource) => ({ tileSource, x: 0, y: 0, width: 1, preload: true })); // what is hidden now is shown at once
    await Promise.all([this.before.open(photo, layers()), this.after.open(photo, layers())]);
    this.draw();
  }

  viewAs(view) {
    this.view = view;
    this.stage.dataset.view = view;
    clearInterval(this.blinking);
    this.off = false;
    if (view === "blink") this.blinking = setInterval(() => { this.off = !this.off; this.draw(); }, BLINK_MS);
    this.draw();
    this.goTo(this.place);
  }

  /** Show the photo as it was while this is so. */
  hold(held) {
    this.held = held;
    this.draw();
  }

  /** Return how many pixels of the screen one of the photo takes; 0 where the photo is fitted. */
  sizeNow() {
    const { image, osd } = this.before;
    if (!image) return 0;
    const home = osd.viewport.getHomeZoom();
    return Math.abs(osd.viewport.getZoom() - home) < 0.01 * home ? 0 : image.viewportToImageZoom(osd.viewport.getZoom());
  }

  resize(size) {
    this.size = size;
    if (!size) this.before.fit();
    else if (this.place) this.goTo(this.place);
    else this.before.enlarge(size);
  }

  /** Bring a place into the middle; beside the divider, where there is one. */
  goTo(place) {
    this.place = place;
    if (!place || !this.photo) return;
    this.before.enlarge(this.size || FIRST_SIZE, place, this.view === "divide" ? 0.25 : 0);
  }

  draw() {
    const { view, held } = this;
    const share = Number(at("split").value) / 100;
    this.stage.style.setProperty("--split", `${100 * share}%`);
    const tag = this.stage.querySelectorAll(".tag");
    tag[0].textContent = view === "blink" && !this.off && !held ? "after" : "before";
    tag[1].textContent = held ? "before" : "after";
    const [one, other] = [this.before, this.after].map((viewer) => viewer.osd.world.getItemAt(1));
    other?.setOpacity(held ? 0 : 1);
    if (!one) return;
    one.setClip(null);
    one.setOpacity(view === "side" || held || this.off ? 0 : 1);
    if (view === "divide") this.#divide(one, share);
  }

  /** Show the repaired photo right of the divider only. */
  #divide(after, share) {
    const left = share * at("compare-viewer").clientWidth;
    const edge = after.viewerElementToImageCoordinates(new OpenSeadragon.Point(left, 0)).x;
    const { width, height } = this.photo;
    const from = Math.min(Math.max(edge, 0), width);
    if (from >= width) after.setOpacity(0);
    else after.setClip(new OpenSeadragon.Rect(from, 0, width - from, height));
  }

  /** Where one moves, the other follows. */
  #moved(one, other) {
    if (this.following || !this.photo) return;
    this.following = true;
    if (this.view === "side" && one.image && other.image) other.osd.viewport.fitBounds(one.osd.viewport.getBounds(), true);
    this.following = false;
    if (this.view === "divide") this.draw();
  }
}

// One photo at full size in tiles, with marks on it. OpenSeadragon does the tiles.

import { address } from "./server.js";
import { drawMark } from "./marks.js";

const TILE = 512;
const LARGEST_PIXEL = 48; // px of the screen for one of the photo
const NEAR = 12; // px of the screen around a mark that belong to it
const NEARBY = 0.9; // of the size that a close-up gives a pixel: from there on it is one
const CLOSE_UP = 60; // px of the photo across, where one pixel is looked at
const still = matchMedia("(prefers-reduced-motion: reduce)");

const { OpenSeadragon } = window;

// OpenSeadragon puts a style of its own into the page unless one of that name is there. The page's
// policy allows no inline styles, and base.css has that rule: an element that is none stands in.
const own = document.createElementNS("urn:stillpix", "style");
own.setAttribute("data-openseadragon-mobile-css", "true");
document.head.append(own);

/** Return what OpenSeadragon needs to know of a photo's tiles. */
export function tilesOf(photo, variant = "stored", version = "") {
  const top = 32 - Math.clz32(Math.max(photo.width, photo.height) - 1);
  return {
    width: photo.width,
    height: photo.height,
    tileSize: TILE,
    maxLevel: top,
    minLevel: Math.min(8, top),
    getTileUrl: (level, column, row) =>
      address(`api/photos/${photo.id}/tiles/${level}/${column}/${row}?variant=${variant}&v=${version}`),
  };
}

export class PhotoViewer {
  /** `marks` returns what is drawn: place, state, whether it is chosen. */
  constructor(host, { label, marks = () => [], onPick = () => {}, onFail = () => {}, onMove = () => {}, onResize = () => {} }) {
    this.host = host;
    this.marks = marks;
    this.onPick = onPick;
    this.photo = null;
    this.osd = new OpenSeadragon.Viewer({
      element: host,
      drawer: "canvas",
      showNavigationControl: false,
      animationTime: still.matches ? 0 : 0.35,
      immediateRender: true,
      imageSmoothingEnabled: true,
      maxZoomPixelRatio: LARGEST_PIXEL,
      minZoomImageRatio: 0.9,
      visibilityRatio: 0.4,
      zoomPerClick: 1,
      gestureSettingsMouse: { clickToZoom: false, dblClickToZoom: true },
      gestureSettingsTouch: { clickToZoom: false, dblClickToZoom: true, pinchRotate: false },
    });
    this.osd.canvas.setAttribute("role", "application");
    this.osd.canvas.setAttribute("aria-label", label);
    this.layer = document.createElement("canvas");
    this.layer.className = "marks";
    this.layer.setAttribute("aria-hidden", "true");
    host.append(this.layer);
    this.osd.addHandler("update-viewport", () => this.draw());
    this.osd.addHandler("viewport-change", () => { this.#smooth(); onMove(); });
    this.osd.addHandler("resize", () => { this.draw(); onMove(); });
    this.osd.addHandler("after-resize", () => requestAnimationFrame(onResize)); // OpenSeadragon moves it, too
    this.osd.addHandler("canvas-click", (event) => event.quick && this.#click(event.position));
    this.osd.addHandler("tile-load-failed", (event) => onFail(event));
    // Letters are the page's own: OpenSeadragon would turn and mirror the photo.
    this.osd.addHandler("canvas-key", (event) => {
      if (/^[a-z]$/i.test(event.originalEvent.key)) event.preventDefaultAction = true;
    });
  }

  get image() {
    return this.osd.world.getItemAt(0);
  }

  /** Show a photo; the same place stays in view where the photos are of one size. */
  open(photo, layers = [tilesOf(photo)]) {
    const same = this.photo && this.photo.width === photo.width && this.photo.height === photo.height;
    const view = same && this.image ? this.osd.viewport.getBounds() : null;
    this.photo = photo;
    delete this.host.dataset.shown;
    return new Promise((resolve) => {
      this.osd.addOnceHandler("open", () => {
        this.#noteWhenShown(photo);
        if (view) this.osd.viewport.fitBounds(view, true);
        if (this.wanted) this.goTo(this.wanted, true);
        this.#smooth();
        resolve();
      });
      this.osd.open(layers);
    });
  }

  /** Say on the element which photo is there in full, as far as it is seen. */
  #noteWhenShown(photo) {
    const layers = Array.from({ length: this.osd.world.getItemCount() }, (_, n) => this.osd.world.getItemAt(n));
    const look = () => {
      if (this.photo === photo && layers.every((layer) => layer.getFullyLoaded())) this.host.dataset.shown = photo.id;
    };
    for (const layer of layers) layer.addHandler("fully-loaded-change", look);
    look();
  }

  close() {
    this.photo = null;
    this.osd.close();
    this.draw();
  }

  /** Bring a place of the photo into the middle, close up; later where it is not open yet. */
  goTo(place, at_once = still.matches) {
    this.wanted = place;
    if (!this.image) return;
    this.wanted = null;
    const across = this.#across();
    const rectangle = this.image.imageToViewportRectangle(
      place.x + 0.5 - across / 2, place.y + 0.5 - across / 2, across, across);
    this.osd.viewport.fitBounds(rectangle, at_once);
  }

  /** Return how many pixels of the photo a close-up shows at least, both ways. */
  #across() {
    return Math.min(CLOSE_UP, this.photo.width);
  }

  /** Make a pixel of the photo so many of the screen, and bring a place to the middle or beside it. */
  enlarge(size, place = null, aside = 0, at_once = still.matches) {
    if (!this.image) return;
    const { viewport } = this.osd;
    viewport.zoomTo(this.image.imageToViewportZoom(size), undefined, at_once);
    if (!place) return;
    const beside = (aside * this.host.clientWidth) / size;
    viewport.panTo(this.image.imageToViewportCoordinates(place.x + 0.5 + beside, place.y + 0.5), at_once);
  }

  fit() {
    this.osd.viewport.goHome(still.matches);
  }

  /** Go close to a place or, where it is looked at from near already, show the whole photo. */
  toggle(place) {
    if (!this.image) return;
    const { x, y } = this.onScreen(place);
    const seen = x > 0 && y > 0 && x < this.host.clientWidth && y < this.host.clientHeight;
    const close = Math.min(this.host.clientWidth, this.host.clientHeight) / this.#across();
    if (seen && this.scale() >= NEARBY * close) this.fit();
    else this.goTo(place);
  }

  zoom(factor) {
    if (!this.image) return;
    this.osd.viewport.zoomBy(factor).applyConstraints();
  }

  /** Return the photo's pixel in the middle of what is seen. */
  middle() {
    const point = this.image.viewportToImageCoordinates(this.osd.viewport.getCenter(true));
    return { x: Math.floor(point.x), y: Math.floor(point.y) };
  }

  /** Return where a place of the photo is on the screen, and how large a pixel is there. */
  onScreen(place) {
    const point = this.image.imageToViewerElementCoordinates(
      new OpenSeadragon.Point(place.x + 0.5, place.y + 0.5));
    return { x: point.x, y: point.y };
  }

  scale() {
    return this.image.viewportToImageZoom(this.osd.viewport.getZoom(true));
  }

  #smooth() {
    // Close up, pixels are squares: what is looked at is one of them.
    this.osd.drawer.setImageSmoothingEnabled(!this.image || this.scale() < 2);
  }

  #click(position) {
    if (!this.image) return;
    const point = this.image.viewerElementToImageCoordinates(position);
    const place = { x: Math.floor(point.x), y: Math.floor(point.y) };
    const inside = place.x >= 0 && place.y >= 0 && place.x < this.photo.width && place.y < this.photo.height;
    const reach = Math.max(NEAR, this.scale());
    const near = this.marks()
      .map((mark) => ({ mark, away: this.#distance(mark, position) }))
      .filter((each) => each.away <= reach)
      .sort((one, other) => one.away - other.away)[0];
    this.onPick(inside ? place : null, near?.mark ?? null);
  }

  #distance(mark, position) {
    const there = this.onScreen(mark);
    return Math.hypot(there.x - position.x, there.y - position.y);
  }

  draw() {
    const { clientWidth: width, clientHeight: height } = this.host;
    const density = window.devicePixelRatio || 1;
    if (this.layer.width !== Math.round(width * density) || this.layer.height !== Math.round(height * density)) {
      this.layer.width = Math.round(width * density);
      this.layer.height = Math.round(height * density);
    }
    const pen = this.layer.getContext("2d");
    pen.setTransform(density, 0, 0, density, 0, 0);
    pen.clearRect(0, 0, width, height);
    if (!this.image) return;
    const radius = Math.max(9, this.scale() * 1.6); // its neighbours are seen, too
    for (const mark of this.marks()) {
      const there = this.onScreen(mark);
      if (there.x < -40 || there.y < -40 || there.x > width + 40 || there.y > height + 40) continue;
      drawMark(pen, there.x, there.y, radius, mark);
    }
  }
}

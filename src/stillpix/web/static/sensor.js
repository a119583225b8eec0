// The sensor as a map: where the defects are, with zoom and pan by mouse, finger and keys.

import { drawMark } from "./marks.js";

const MARGIN = 10; // px
const NEAR = 14; // px
const MOST = 64; // times as large as fitted

export class SensorMap {
  constructor(canvas, { marks, onPick }) {
    this.canvas = canvas;
    this.marks = marks;
    this.onPick = onPick;
    this.sensor = null;
    this.zoomed = 1;
    this.centre = { x: 0.5, y: 0.5 }; // shares of the sensor
    this.pointers = new Map();
    new ResizeObserver(() => this.draw()).observe(canvas);
    canvas.addEventListener("wheel", (event) => this.#wheel(event), { passive: false });
    canvas.addEventListener("pointerdown", (event) => this.#down(event));
    canvas.addEventListener("pointermove", (event) => this.#move(event));
    for (const name of ["pointerup", "pointercancel"]) {
      canvas.addEventListener(name, (event) => this.#up(event));
    }
    canvas.addEventListener("keydown", (event) => this.#key(event));
  }

  show(sensor) {
    const same = this.sensor && this.sensor.width === sensor.width && this.sensor.height === sensor.height;
    this.sensor = sensor;
    if (same) this.draw();
    else this.fit();
  }

  fit() {
    this.zoomed = 1;
    this.centre = { x: 0.5, y: 0.5 };
    this.draw();
  }

  zoom(factor, x = this.canvas.clientWidth / 2, y = this.canvas.clientHeight / 2) {
    const before = this.#toSensor(x, y);
    this.zoomed = Math.min(Math.max(this.zoomed * factor, 1), MOST);
    const after = this.#toSensor(x, y);
    this.#pan((before.x - after.x) / this.sensor.width, (before.y - after.y) / this.sensor.height);
  }

  #pan(dx, dy) {
    const clamp = (share) => Math.min(Math.max(share, 0), 1);
    this.centre = this.zoomed === 1
      ? { x: 0.5, y: 0.5 }
      : { x: clamp(this.centre.x + dx), y: clamp(this.centre.y + dy) };
    this.draw();
  }

  /** Return how many pixels of the screen one of the sensor takes. */
  #scale() {
    const { clientWidth: width, clientHeight: height } = this.canvas;
    return this.zoomed * Math.min(
      (width - 2 * MARGIN) / this.sensor.width, (height - 2 * MARGIN) / this.sensor.height);
  }

  #toScreen(x, y) {
    const scale = this.#scale();
    return {
      x: this.canvas.clientWidth / 2 + (x - this.centre.x * this.sensor.width) * scale,
      y: this.canvas.clientHeight / 2 + (y - this.centre.y * this.sensor.height) * scale,
    };
  }

  #toSensor(x, y) {
    const scale = this.#scale();
    return {
      x: (x - this.canvas.clientWidth / 2) / scale + this.centre.x * this.sensor.width,
      y: (y - this.canvas.clientHeight / 2) / scale + this.centre.y * this.sensor.height,
    };
  }

  #wheel(event) {
    if (!this.sensor) return;
    event.preventDefault();
    this.zoom(Math.exp(-event.deltaY / 300), event.offsetX, event.offsetY);
  }

  #down(event) {
    if (!this.sensor) return;
    this.canvas.setPointerCapture(event.pointerId);
    this.pointers.set(event.pointerId, { x: event.offsetX, y: event.offsetY });
    this.moved = this.pointers.size > 1;
    this.from = { x: event.offsetX, y: event.offsetY };
  }

  #move(event) {
    const last = this.pointers.get(event.pointerId);
    if (!last) return;
    const now = { x: event.offsetX, y: event.offsetY };
    if (this.pointers.size === 1) {
      if (Math.hypot(now.x - this.from.x, now.y - this.from.y) > 4) this.moved = true;
      const scale = this.#scale();
      this.#pan((last.x - now.x) / scale / this.sensor.width, (last.y - now.y) / scale / this.sensor.height);
    } else {
      const other = [...this.pointers].find(([id]) => id !== event.pointerId)[1];
      const apart = (point) => Math.max(Math.hypot(point.x - other.x, point.y - other.y), 1);
      this.zoom(apart(now) / apart(last), (now.x + other.x) / 2, (now.y + other.y) / 2);
    }
    this.pointers.set(event.pointerId, now);
  }

  #up(event) {
    if (!this.pointers.delete(event.pointerId) || this.moved || event.type === "pointercancel") return;
    this.#pick(event.offsetX, event.offsetY, NEAR);
  }

  #pick(x, y, reach) {
    const nearest = this.marks()
      .map((mark) => {
        const there = this.#toScreen(mark.x, mark.y);
        return { mark, away: Math.hypot(there.x - x, there.y - y) };
      })
      .sort((one, other) => one.away - other.away)[0];
    if (nearest && nearest.away <= reach) this.onPick(nearest.mark);
  }

  #key(event) {
    if (!this.sensor || event.ctrlKey || event.metaKey || event.altKey) return;
    const step = 0.15 / this.zoomed;
    const steps = { ArrowLeft: [-step, 0], ArrowRight: [step, 0], ArrowUp: [0, -step], ArrowDown: [0, step] };
    if (steps[event.key]) this.#pan(...steps[event.key]);
    else if (event.key === "+" || event.key === "=") this.zoom(1.5);
    else if (event.key === "-") this.zoom(1 / 1.5);
    else if (event.key === "Enter") this.#pick(this.canvas.clientWidth / 2, this.canvas.clientHeight / 2, Infinity);
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  draw() {
    const { clientWidth: width, clientHeight: height } = this.canvas;
    const density = window.devicePixelRatio || 1;
    this.canvas.width = Math.round(width * density);
    this.canvas.height = Math.round(height * density);
    if (!this.sensor || !width) return;
    const pen = this.canvas.getContext("2d");
    pen.setTransform(density, 0, 0, density, 0, 0);
    const corner = this.#toScreen(0, 0);
    const scale = this.#scale();
    pen.fillStyle = "#1b2128";
    pen.fillRect(corner.x, corner.y, this.sensor.width * scale, this.sensor.height * scale);
    pen.strokeStyle = "#8894a0";
    pen.lineWidth = 1;
    pen.strokeRect(corner.x, corner.y, this.sensor.width * scale, this.sensor.height * scale);
    const marks = this.marks();
    const radius = marks.length > 300 && this.zoomed < 4 ? 2 : 3.5;
    for (const mark of [...marks.filter((each) => !each.chosen), ...marks.filter((each) => each.chosen)]) {
      const there = this.#toScreen(mark.x + 0.5, mark.y + 0.5);
      drawMark(pen, there.x, there.y, mark.chosen ? 6 : radius, mark);
    }
  }
}

// A run as it goes: bar, rate, time left, what was not used, and what came of it.

import { fill, make, tried } from "./elements.js";
import { address, change } from "./server.js";
import { isRunning, noteJob } from "./store.js";
import { counted, duration } from "./words.js";

const TITLES = { open: "Looking for photos", find: "Finding broken pixels", repair: "Repairing" };
const ENDS = { done: "done", failed: "failed", stopping: "stopping after the photos being read" };

/** Return how a run ended; of one that was stopped, how much is done and how much is left. */
function ended(job) {
  if (job.error || job.state !== "stopped") return job.error || ENDS[job.state];
  const { bodies, photos, left } = job.result;
  const done = bodies ? sum(bodies, "read") + sum(bodies, "repeats") + sum(bodies, "duplicates") : photos;
  const rest = bodies ? sum(bodies, "left") : left;
  const of = bodies ? (bodies.length > 1 ? ` of ${bodies.length} cameras` : " of this camera") : "";
  if (bodies && !rest && sum(bodies, "undated")) return "stopped while looking for dates; all photos are read, and everything is kept";
  const numbers = rest === undefined ? "" : `: ${done} ${bodies ? "read" : "done"}, ${rest} left${of}`;
  return `stopped${numbers}; everything done so far is kept`;
}

/** Tell who looks at something else; who looks at the page sees it. */
function tellFinished(text) {
  if (!document.hidden || !("Notification" in window) || Notification.permission !== "granted") return;
  const told = new Notification("stillpix", { body: text, icon: address("static/icon.svg"), tag: "stillpix" });
  told.onclick = () => window.focus();
}

const sum = (records, name) => records.reduce((total, each) => total + each[name], 0);

/** Shows one job after the other in its place; the list of what was not used stays open or shut. */
export class JobCard {
  constructor(place, { result = () => [] } = {}) {
    this.result = result;
    this.id = null;
    this.title = make("h3");
    this.phase = make("p", { class: "phase" });
    this.bar = make("progress", { "aria-label": "Progress" });
    this.numbers = make("p", { class: "numbers" });
    this.aloud = make("p", { class: "unseen", role: "status", "aria-live": "polite" });
    this.stop = make("button", { type: "button", class: "stop", on: { click: () => this.end() } }, "Stop");
    this.notify = make("button", { type: "button", class: "notify", on: { click: () => this.#ask() } }, "Tell me when it is done");
    this.messages = make("ul", { class: "plain notes" });
    this.summary = make("summary");
    this.skipped = make("ul", { class: "plain files" });
    this.details = make("details", {}, this.summary, this.skipped);
    this.outcome = make("div", { class: "outcome" });
    this.card = make(
      "div", { class: "card job", hidden: true },
      make("div", { class: "row" }, this.title, this.notify, this.stop),
      this.phase, this.bar, this.numbers, this.messages, this.outcome, this.details,
    );
    place.append(this.card, this.aloud);
  }

  async end() {
    const told = await tried(() => change(`api/jobs/${this.id}/stop`));
    if (told) noteJob(told);
  }

  show(job) {
    this.card.hidden = job === undefined;
    if (job === undefined) return;
    if (job.id !== this.id) {
      this.id = job.id;
      this.listed = 0;
      this.told = 0;
      fill(this.skipped);
    }
    const running = isRunning(job);
    this.title.textContent = `${TITLES[job.kind]} in ${job.subject}`;
    const which = job.cameras > 1 ? `Camera ${job.camera} of ${job.cameras}: ` : "";
    this.phase.textContent = running ? `${which}${job.phase}` : ended(job);
    this.phase.classList.toggle("wrong", job.state === "failed");
    this.bar.hidden = !running;
    this.notify.hidden = !running || job.kind === "open" || !("Notification" in window) || Notification.permission !== "default";
    if (job.all_total) {
      this.bar.max = job.all_total;
      this.bar.value = job.all_done;
    } else if (job.total) {
      this.bar.max = job.total;
      this.bar.value = job.done;
    } else {
      this.bar.removeAttribute("value");
    }
    this.stop.hidden = !running || job.kind === "open";
    this.stop.disabled = job.state === "stopping";
    const numbers = this.#numbers(job, running);
    this.numbers.textContent = numbers;
    this.#speak(job, running, numbers);
    fill(this.messages, ...job.messages.map((text) => make("li", {}, text)));
    fill(this.outcome, ...(running || job.error ? [] : this.result(job)));
    this.#list(job);
  }

  #numbers(job, running) {
    if (!running) return "";
    const of = job.total ? `${job.done} of ${counted(job.total, "photo")}` : job.done ? counted(job.done, "file") : "";
    const isRead = job.kind === "find" && job.total > 0 && job.done >= job.total; // and now it is judged
    const rate = job.rate && !isRead ? `${job.rate.toFixed(1)} photos/s` : "";
    const left = isRead ? "adding up what they show"
      : job.left_s !== null && job.done ? `${duration(job.left_s)} left` : "";
    const all = job.cameras > 1 ? `${job.all_done} of ${job.all_total} over all cameras` : "";
    const sure = job.sure ? `${counted(job.sure.pixels, "broken pixel")} sure after ${counted(job.sure.photos, "photo")}` : "";
    return [of, all, rate, left, sure, ENDS[job.state]].filter(Boolean).join(" · ");
  }

  async #ask() {
    await Notification.requestPermission();
    this.notify.hidden = Notification.permission !== "default";
  }

  /** Read aloud each quarter and the end, not every photo. */
  #speak(job, running, numbers) {
    const step = running ? `${job.phase}${Math.floor((4 * job.done) / (job.total || 1))}` : job.state;
    if (step === this.told) return;
    const wasRunning = this.ran === job.id;
    this.ran = running ? job.id : null;
    if (wasRunning && !running && job.kind !== "open") tellFinished(`${TITLES[job.kind]} in ${job.subject}: ${ended(job)}`);
    this.told = step;
    this.aloud.textContent = running ? numbers : `${TITLES[job.kind]}: ${ended(job)}`;
  }

  #list(job) {
    this.details.hidden = job.not_used_count === 0;
    this.summary.textContent = `${counted(job.not_used_count, "file")} not used`;
    for (const each of job.not_used.slice(this.listed)) {
      this.skipped.append(make("li", {}, make("b", {}, each.path), ` ${each.reason}`));
    }
    this.listed = job.not_used.length;
  }
}

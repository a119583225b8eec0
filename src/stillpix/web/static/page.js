// The page: which step is shown, the keys, and what runs while another step is looked at.

import { at, say, settle, tried } from "./elements.js";
import { beginGlossary } from "./glossary.js";
import { beginJudge, judgeKey, show as showJudge, stepBack, stepOn } from "./judge.js";
import { beginPhotos } from "./photos.js";
import { beginRepair, repairKey, show as showRepair } from "./repair.js";
import { begin, isRunning, onChange, store } from "./store.js";

const STEPS = ["photos", "judge", "repair"];
const WORDS = { open: "looking for photos", find: "finding", repair: "repairing" };
const TYPED = "input:not([type=checkbox]):not([type=range]), textarea, select, [contenteditable]";

function route() {
  settle();
  const [step, map, place] = location.hash.slice(1).split("/");
  const shown = STEPS.includes(step) ? step : "photos";
  for (const name of STEPS) at(name).hidden = name !== shown;
  for (const link of document.querySelectorAll("nav a")) {
    if (link.hash === `#${shown}`) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  document.title = `${shown[0].toUpperCase()}${shown.slice(1)} – stillpix`;
  if (shown === "judge") tried(() => showJudge(map, place));
  if (shown === "repair") tried(showRepair);
}

function showUnderWay() {
  const job = store.state.jobs.find(isRunning);
  at("under-way").hidden = !job;
  if (!job) return;
  const [done, total] = job.all_total ? [job.all_done, job.all_total] : [job.done, job.total];
  const share = total ? ` ${Math.floor((100 * done) / total)} %` : "";
  at("under-way").textContent = `${WORDS[job.kind]}${share}`;
}

function onKey(event) {
  if (event.defaultPrevented || document.querySelector("dialog[open]") || event.target.matches(TYPED)) return;
  const judging = !at("judge").hidden;
  if ((event.ctrlKey || event.metaKey) && !event.altKey && event.key.toLowerCase() === "z" && judging) {
    event.preventDefault();
    (event.shiftKey ? stepOn : stepBack)();
    return;
  }
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if ((judging && judgeKey(event)) || (!at("repair").hidden && repairKey(event, true))) {
    event.preventDefault();
    event.stopPropagation();
  } else if (at("single-keys").checked && event.key === "?") {
    at("keys").showModal();
  } else if (at("single-keys").checked && ["1", "2", "3"].includes(event.key)) {
    location.hash = `#${STEPS[Number(event.key) - 1]}`;
    at("main").focus({ preventScroll: true });
  }
}

async function start() {
  try {
    await begin();
  } catch (error) {
    say(error.message, { wrong: true });
    return;
  }
  const single = at("single-keys");
  single.checked = localStorage.getItem("single-keys") !== "off";
  single.addEventListener("change", () => localStorage.setItem("single-keys", single.checked ? "on" : "off"));
  at("show-keys").addEventListener("click", () => at("keys").showModal());
  beginGlossary();
  beginPhotos();
  beginJudge();
  beginRepair();
  onChange(showUnderWay);
  showUnderWay();
  // Before OpenSeadragon, which has keys of its own.
  document.addEventListener("keydown", onKey, { capture: true });
  document.addEventListener("keyup", (event) => at("repair").hidden || repairKey(event, false));
  window.addEventListener("hashchange", route);
  at("said").addEventListener("click", () => settle());
  route();
  for (const trouble of store.state.troubles) say(trouble, { wrong: true, about: "library" });
  document.body.dataset.ready = "true";
}

start();

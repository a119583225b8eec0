// What the page knows, the same in every tab: the server's state, and each map that was looked at.

import { follow, look } from "./server.js";
import { say, settle } from "./elements.js";

const listeners = new Set();
const maps = new Map();
const photos = new Map();
const sights = new Map();

export const store = { state: null };

export function onChange(listener) {
  listeners.add(listener);
}

function changed(what) {
  for (const listener of listeners) listener(what);
}

export const job = (id) => store.state.jobs.find((each) => each.id === id);

export const latest = (kinds) => store.state.jobs.filter((each) => kinds.includes(each.kind)).at(-1);

export const isRunning = (each) => each !== undefined && ["running", "stopping"].includes(each.state);

/** Return a map with all its defects, from the server where it is not known or has changed. */
export async function mapNamed(id) {
  if (!maps.has(id)) maps.set(id, look(`api/maps/${id}`));
  try {
    return await maps.get(id);
  } catch (error) {
    maps.delete(id);
    throw error;
  }
}

/** Ask the server for a map anew, without waiting for the stream to say that it has changed. */
export function forget(id) {
  maps.delete(id);
  sights.delete(id);
}

/** Return what the photos show of a map's defects; the server may have to read some first. */
export async function sightsOf(id) {
  if (!sights.has(id)) sights.set(id, look(`api/maps/${id}/sights`));
  try {
    return await sights.get(id);
  } catch (error) {
    sights.delete(id);
    throw error;
  }
}

export async function photosOf(id, { anew = false } = {}) {
  if (anew || !photos.has(id)) photos.set(id, look(`api/maps/${id}/photos`));
  try {
    return await photos.get(id);
  } catch (error) {
    photos.delete(id);
    throw error;
  }
}

async function refresh() {
  const version = ++refreshes;
  const state = await look("api/state");
  if (version !== refreshes) return; // a later one is under way
  // The stream may have told of a job since the state was written down.
  state.jobs = state.jobs.map((each) => later(each, job(each.id)));
  store.state = state;
  changed({ kind: "state" });
}

let refreshes = 0;

const later = (one, other) => (other !== undefined && other.revision > one.revision ? other : one);

/** Take in a job as it stands now, whether the stream or an answer told of it. */
export function noteJob(told) {
  const jobs = store.state.jobs;
  const known = jobs.findIndex((each) => each.id === told.id);
  if (known < 0) jobs.push(told);
  else jobs[known] = later(told, jobs[known]);
  changed({ kind: "job", job: told });
}

async function happened(kind, content) {
  if (kind === "job") {
    noteJob(content);
  } else if (kind === "map") {
    forget(content.map);
    changed({ kind: "map", ...content });
    await refresh();
  } else {
    maps.clear();
    photos.clear();
    sights.clear();
    await refresh();
  }
}

export async function begin() {
  store.state = await look("api/state");
  let broken = false;
  follow(store.state.version, {
    onEvent: (kind, content) => happened(kind, content).catch((error) => say(error.message, { wrong: true })),
    onBroken: () => {
      broken = true;
      document.body.classList.add("cut-off");
      say("The server does not answer; is stillpix serve still running?", { wrong: true, about: "server" });
    },
    onBack: () => {
      if (!broken) return;
      broken = false;
      document.body.classList.remove("cut-off");
      settle("server");
      say("The server is back.");
    },
  });
}

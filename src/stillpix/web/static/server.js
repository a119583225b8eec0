// Asks the server. Addresses are relative to the page's own, which holds the token.

export const base = new URL("./", location.href.split("#")[0]);

export const address = (path) => new URL(path, base).href;

async function answered(response) {
  if (response.ok) return response.json();
  let reason = `the server said ${response.status}`;
  try {
    reason = (await response.json()).reason;
  } catch {
    // No reason was given: the status has to do.
  }
  throw new Error(reason);
}

async function asked(path, options) {
  let response;
  try {
    response = await fetch(address(path), options);
  } catch {
    throw new Error("the server does not answer; is stillpix serve still running?");
  }
  return answered(response);
}

export const look = (path) => asked(path, {});

export const change = (path, body, method = "POST") =>
  asked(path, body === undefined
    ? { method }
    : { method, headers: { "content-type": "application/json" }, body: JSON.stringify(body) });

/** Give a file to an address that takes one as it is. */
export const give = (path, file) =>
  asked(path, { method: "POST", headers: { "content-type": "application/octet-stream" }, body: file });

export const upload = (file) =>
  give(`api/uploads?name=${encodeURIComponent(file.name)}`, file);

/** Follow what happens from a version on; the browser itself takes a broken stream up again. */
export function follow(version, { onEvent, onBroken, onBack }) {
  const source = new EventSource(address(`api/events?since=${version}`));
  for (const kind of ["job", "map", "folders", "missed"]) {
    source.addEventListener(kind, (event) => onEvent(kind, JSON.parse(event.data)));
  }
  source.onerror = onBroken;
  source.onopen = onBack;
}

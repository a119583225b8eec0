// Makes elements. Text is always text: nothing here, or anywhere on the page, parses HTML.

export const at = (id) => document.getElementById(id);

export function make(name, options = {}, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(options)) {
    if (key === "on") {
      for (const [event, listener] of Object.entries(value)) element.addEventListener(event, listener);
    } else if (key === "class") {
      element.className = value;
    } else if (key in element && key !== "list") {
      element[key] = value;
    } else if (value !== null && value !== false) {
      element.setAttribute(key, value === true ? "" : value);
    }
  }
  element.append(...children.filter((child) => child !== null));
  return element;
}

export function fill(element, ...children) {
  element.replaceChildren(...children.filter((child) => child !== null));
}

/** Give a select its options, and keep what is chosen where it is still there. */
export function offer(select, options, chosen = select.value) {
  const same = select.options.length === options.length
    && options.every((each, n) => select.options[n].value === each.value && select.options[n].text === each.text);
  if (!same) select.replaceChildren(...options.map((each) => make("option", each)));
  if (options.some((each) => each.value === chosen)) select.value = chosen;
}

/** Return 1 or -1 for an arrow key to the right or left, and 0 for a key that something else takes. */
export function arrowOf(event) {
  const by = { ArrowRight: 1, ArrowLeft: -1 }[event.key] ?? 0;
  return event.shiftKey || event.target.closest("[role=application], [role=region], .crops, .filmstrip, summary") ? 0 : by;
}

let clearing = 0;
let cause = "";

/** Say one line to everybody, and aloud. What went wrong stays until its cause has gone. */
export function say(text, { wrong = false, about = "" } = {}) {
  const said = at("said");
  said.textContent = text;
  said.classList.toggle("wrong", wrong);
  said.classList.add("shown");
  cause = wrong ? about || "asked" : "";
  clearTimeout(clearing);
  if (!wrong) clearing = setTimeout(() => said.classList.remove("shown"), 5000);
}

/** Take back what was said of a cause that has gone; without a cause, of any but the server. */
export function settle(about = "") {
  if (!cause || (about ? cause !== about : cause === "server")) return;
  cause = "";
  at("said").classList.remove("shown");
  at("said").textContent = "";
}

/** Call something that asks the server; what it refuses is said until something else succeeds. */
export async function tried(action, about = "asked") {
  try {
    const found = await action();
    settle(about);
    return found;
  } catch (error) {
    say(error.message, { wrong: true, about });
    return null;
  }
}

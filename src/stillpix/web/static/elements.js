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

let clearing = 0;

/** Say one line to everybody: shown for a while, and read aloud. */
export function say(text, { wrong = false } = {}) {
  const said = at("said");
  said.textContent = text;
  said.classList.toggle("wrong", wrong);
  said.classList.add("shown");
  clearTimeout(clearing);
  clearing = setTimeout(() => said.classList.remove("shown"), wrong ? 9000 : 5000);
}

/** Call something that asks the server; what it refuses is said. */
export async function tried(action) {
  try {
    return await action();
  } catch (error) {
    say(error.message, { wrong: true });
    return null;
  }
}

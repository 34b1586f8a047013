// Elements, made in one line. Text from files only ever becomes text.

/** An element with a class, attributes or properties, and children (strings become text). */
export function made(tag, name = "", properties = {}, ...children) {
  const element = document.createElement(tag);
  if (name) element.className = name;
  for (const [key, value] of Object.entries(properties)) {
    if (key in element) element[key] = value;
    else element.setAttribute(key, value);
  }
  element.append(...children);
  return element;
}

/** Choices of a select, as [value, text] pairs; the chosen one stays if it is still there. */
export function offer(select, pairs, chosen) {
  select.replaceChildren(...pairs.map(([value, text]) => made("option", "", { value, textContent: text })));
  select.value = chosen;
}

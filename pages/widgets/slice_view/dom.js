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

/** A button with a picture of the icon font; `title` is what it does. */
export function iconButton(name, icon, title, pressed) {
  return made("button", `icon do-${name}`, { type: "button", title, ariaLabel: title, onclick: pressed }, made("span", "symbol", { ariaHidden: "true", textContent: icon }));
}

/** The whole screen for an element, or back to the page. */
export function turnFullScreen(element) {
  if (document.fullscreenElement) document.exitFullscreen();
  else element.requestFullscreen?.();
}

/** Whether an element is on show: keys belong to a view that is, and was drawn last. */
export function isOnShow(element) {
  return (element.isConnected && element.offsetParent !== null) || Boolean(document.fullscreenElement);
}

/** Choices of a select, as [value, text] pairs; the chosen one stays if it is still there. */
export function offer(select, pairs, chosen) {
  select.replaceChildren(...pairs.map(([value, text]) => made("option", "", { value, textContent: text })));
  select.value = chosen;
}

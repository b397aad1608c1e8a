// Elements, made and put in place.

const SVG = "http://www.w3.org/2000/svg";

/** An HTML element. `on…` are listeners, `dataset` and `style` objects; null and false are left out. */
export function h(name, attributes, ...children) {
  return filled(document.createElement(name), attributes, children);
}

/** An SVG element. */
export function svg(name, attributes, ...children) {
  return filled(document.createElementNS(SVG, name), attributes, children);
}

/** Puts children in the place of what a container holds. What had the focus has it again, by its `data-key`. */
export function put(container, ...children) {
  const focused = container.contains(document.activeElement) ? document.activeElement.dataset.key : undefined;
  container.replaceChildren(...kept(children));
  if (focused !== undefined) byKey(container, focused)?.focus({ preventScroll: true });
}

/** The element of a key. */
export function byKey(container, key) {
  return container.querySelector(`[data-key="${CSS.escape(key)}"]`);
}

function filled(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes ?? {})) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name === "dataset") Object.assign(element.dataset, value);
    // Through the object model, which the page's policy allows; a style attribute it would refuse.
    else if (name === "style") for (const [property, set] of Object.entries(value)) element.style.setProperty(property, set);
    else element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...kept(children));
  return element;
}

const kept = (children) => children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false);

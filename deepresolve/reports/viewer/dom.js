// Elements, made without markup: what comes as data is text and nothing else.

/** A new element with properties and children. */
export function element(name, properties = {}, ...children) {
  const made = Object.assign(document.createElement(name), properties);
  made.append(...children);
  return made;
}

export function byId(id) {
  return document.getElementById(id);
}

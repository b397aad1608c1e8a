// What is shown, kept in the address, so that a view can be sent to somebody: #/page?name=value

/** The page and its values. */
export function address() {
  const [path, query = ""] = location.hash.replace(/^#\/?/, "").split("?");
  return { page: path, values: new URLSearchParams(query) };
}

/** The address of a page with some values; a list is a value that comes several times, null and "" are left out. */
export function link(page, values = {}) {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(values))
    for (const one of [value].flat()) if (one !== null && one !== undefined && one !== "") query.append(name, one);
  return `#/${page}${query.size ? `?${query}` : ""}`;
}

/** The address of what is shown with some values changed. */
export function changed(changes) {
  const { page, values } = address();
  const now = Object.fromEntries([...values.keys()].map((name) => [name, values.getAll(name)]));
  return link(page, { ...now, ...changes });
}

/** Shows something else; `instead` leaves no step in the browser's history. */
export function go(to, { instead = false } = {}) {
  if (to === location.hash) return;
  if (!instead) location.hash = to;
  else {
    history.replaceState(null, "", to);
    dispatchEvent(new HashChangeEvent("hashchange"));
  }
}

// What dev mode adds to the console: nothing here. There, another file is served in this one's place.

/** A token for this page, where it needs nobody to give it one. @returns {Promise<string | undefined>} */
export async function token() {
  return undefined;
}

/** Shows what there is besides. @param {HTMLElement} place */
export async function show(place) {
  place.hidden = true;
}

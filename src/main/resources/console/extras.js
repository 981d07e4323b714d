// Extensions of the console: none in production. Dev mode serves another file instead.

export const mints = false;

/** Returns a token if the server provides one. @returns {Promise<string | undefined>} */
export async function token() {
  return undefined;
}

/** Shows the extensions. @param {HTMLElement} place */
export async function show(place) {
  place.hidden = true;
}

// Requests to the server that this page came from.

/** What the server refused, or that it cannot be reached (status 0). */
export class RequestError extends Error {
  constructor(status, message) {
    super(message);
    this.status = status;
  }
}

async function request(path, options = {}) {
  let response;
  try {
    response = await fetch(path, { cache: "no-store", ...options });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new RequestError(0, "The server cannot be reached.");
  }
  if (response.ok) return response;
  const body = await response.json().catch(() => ({}));
  throw new RequestError(response.status, body.error ?? response.statusText);
}

export async function get(path) {
  return (await request(path)).json();
}

export async function change(method, path, body) {
  const headers = { "Content-Type": "application/json", "X-Reading": "1" };
  const options = { method, headers, body: JSON.stringify(body) };
  return (await request(path, options)).json();
}

/** Sagittal slices of an image, as Uint16Array. */
export async function slices(image, first, count, signal) {
  const path = `/api/images/${image}?first=${first}&count=${count}`;
  return new Uint16Array(await (await request(path, { signal })).arrayBuffer());
}

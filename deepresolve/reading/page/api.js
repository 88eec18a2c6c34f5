// Requests to the server that this page came from.

/** What the server refused, or that it cannot be reached (status 0). */
export class RequestError extends Error {
  constructor(status, message) {
    super(message);
    this.status = status;
  }
}

/** The answer's body, as `read` gives it; a server that ends in the middle is away. */
async function request(path, read, options = {}) {
  let response;
  let body;
  try {
    response = await fetch(path, { cache: "no-store", ...options });
    body = await (response.ok ? read(response) : response.json().catch(() => ({})));
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new RequestError(0, "The server cannot be reached.");
  }
  if (response.ok) return body;
  throw new RequestError(response.status, body.error ?? response.statusText);
}

const json = (response) => response.json();
const bytes = (response) => response.arrayBuffer();

export async function get(path) {
  return request(path, json);
}

export async function change(method, path, body) {
  const headers = { "Content-Type": "application/json", "X-Reading": "1" };
  const options = { method, headers, body: JSON.stringify(body) };
  return request(path, json, options);
}

/** Sagittal slices of an image, as Uint16Array. */
export async function slices(image, first, count, signal) {
  const path = `/api/images/${image}?first=${first}&count=${count}`;
  return new Uint16Array(await request(path, bytes, { signal }));
}

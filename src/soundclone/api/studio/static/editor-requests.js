// Requests of the editor to the service.

import { csrf, t } from "./i18n.js";

export class Refusal extends Error {
  constructor(title, text, { status = 0, location = null } = {}) {
    super(`${title} ${text}`.trim());
    Object.assign(this, { title, text, status, location });
    this.again = status === 0 || status === 429 || status >= 500;
    this.refused = status >= 400 && status < 500; // the service did nothing
  }
}

export function randomKey() {
  return crypto.getRandomValues(new Uint32Array(4)).join("-");
}

export async function request(method, url, body, { match, key, missing = false } = {}) {
  const headers = { "X-CSRF-Token": csrf, Accept: "application/json" };
  if (body !== undefined) headers["Content-Type"] = "application/json";
  if (match !== undefined) headers["If-Match"] = `"${match}"`;
  if (key) headers["Idempotency-Key"] = key;
  let response;
  try {
    response = await fetch(url, { method, headers, body: body === undefined ? undefined : JSON.stringify(body) });
  } catch {
    throw new Refusal(t("offline"), "");
  }
  if (response.status === 204 || (missing && response.status === 404)) return null;
  let data = null;
  try {
    data = await response.json();
  } catch {
    throw new Refusal(t("offline"), "", { status: response.ok ? 0 : response.status });
  }
  if (response.ok) return data.data;
  if (response.status === 401) throw new Refusal(t("editor.signed_out"), "", { status: 401, location: data.location });
  throw new Refusal(data.title ?? t("offline"), data.message ?? "", { status: response.status });
}

// What the page asks the sandbox: its control, and the API as any client would.

export const BASE = location.origin + "/v2";

const KEY = "timekit-sandbox-key";

/** The app key. It lives in its field, and in this tab's sessionStorage so that a reload keeps it. */
export const key = {
  get: () => sessionStorage.getItem(KEY) ?? "test_api_key_console",
  set: (text) => sessionStorage.setItem(KEY, text),
};

/** What an error of the sandbox says, in one line. */
function messageOf(status, body) {
  if (body?.errors) return Object.values(body.errors).flat().join("; ");
  return body?.error ?? `The sandbox answered ${status}`;
}

/** Asks /_sandbox. Returns what is under `data`, or with `whole` the whole answer. Throws what went wrong. */
export async function control(method, path, body, { whole, text } = {}) {
  let response;
  try {
    response = await fetch("/_sandbox/" + path, { method, body: body && JSON.stringify(body) });
  } catch {
    throw new Error("The sandbox does not answer. Is it still running?");
  }
  if (text && response.ok) return response.text();
  const answer = await response.json();
  if (!response.ok) throw Object.assign(new Error(messageOf(response.status, answer)), { status: response.status });
  return whole ? answer : answer.data;
}

function basic(text) {
  const bytes = new TextEncoder().encode(":" + text);
  return "Basic " + btoa(String.fromCharCode(...bytes));
}

/**
 * Sends a request to the API: `{ method, target, body }`, where the body is a value or undefined. Returns the exchange
 * as `exchange.js` shows it. Never throws: an answer that does not come is an outcome, too. A signal ends the waiting.
 */
export async function send({ method, target, body }, signal) {
  const text = body === undefined ? undefined : JSON.stringify(body);
  const headers = text === undefined ? {} : { "content-type": "application/json" };
  const request = { method, target, headers: { authorization: "Basic ***", ...headers }, body: text ?? "" };
  const started = performance.now();
  const seconds = () => (performance.now() - started) / 1000;
  let response;
  try {
    // Without `omit`, the browser would ask for a password of its own when the key is refused.
    response = await fetch(target, {
      method, body: text, signal, cache: "no-store", credentials: "omit", headers: { ...headers, authorization: basic(key.get()) },
    });
  } catch {
    const why = signal?.aborted ? "You stopped waiting before an answer came." : "No answer came: the connection was lost.";
    return { request, seconds: seconds(),
      lost: why + " The request may have taken effect or not; the state of the booking tells." };
  }
  const answer = { status: response.status, headers: Object.fromEntries(response.headers), body: "" };
  try {
    answer.body = await response.text();
  } catch {
    return { request, answer, seconds: seconds(), lost: "The connection was lost in the middle of the answer." };
  }
  return { request, answer, seconds: seconds() };
}

/** What is under `data` in the answer of an exchange that succeeded; undefined otherwise. */
export function dataOf(exchange) {
  if (exchange.lost || !exchange.answer || exchange.answer.status >= 300) return undefined;
  try {
    return JSON.parse(exchange.answer.body).data;
  } catch {
    return undefined;
  }
}

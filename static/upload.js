// Sends one photograph to the JSON endpoint. XMLHttpRequest, because fetch cannot tell how much has left.

/** The token by which the server knows that a request comes from its own page; every request that changes something. */
export const token = () => document.querySelector('meta[name="csrf-token"]').content;

/** What became of an upload: `id` of the job if there is one, else `reason`, a sentence from the server, or "". */
function readAnswer(request) {
  const { id, detail, title } = request.response ?? {};
  if (request.status < 400 && id) return { id };
  return { id, reason: detail || title || "", again: request.status >= 500 || request.status === 429 };
}

/**
 * Send `file` to `address`; `onProgress` gets the share sent, 0 to 1, and 1 when the server has all of it.
 * Resolves to {id} or {id, reason, again}; rejects when the server cannot be reached.
 */
export function send(file, address, onProgress) {
  const form = new FormData();
  form.append("photo", file, file.name);
  const request = new XMLHttpRequest();
  request.open("POST", address);
  request.responseType = "json";
  request.setRequestHeader("Accept", "application/json");
  request.setRequestHeader("X-CSRF-Token", token());
  request.setRequestHeader("Prefer", "respond-async"); // its place in the queue is shown meanwhile
  request.upload.addEventListener("progress", (event) => onProgress(event.loaded / event.total));
  request.upload.addEventListener("load", () => onProgress(1));
  return new Promise((resolve, reject) => {
    request.addEventListener("load", () => resolve(readAnswer(request)));
    request.addEventListener("error", () => reject(new Error("unreachable")));
    request.addEventListener("abort", () => reject(new Error("aborted")));
    request.send(form);
  });
}

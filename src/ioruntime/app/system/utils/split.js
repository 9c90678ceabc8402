'use strict';

/** Splits the text `payload` at each `separator`, or into lines. */
function main({ payload, separator }) {
  if (payload === undefined || payload === null) return { error: "The parameter 'payload' must be a text." };
  return { lines: String(payload).split(separator || /\r?\n/), payload };
}

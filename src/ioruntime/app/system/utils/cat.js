'use strict';

/** Joins `lines` with newlines; a `payload` stands for its lines. */
function main({ lines, payload }) {
  const all = lines ?? linesOf(payload);
  if (!Array.isArray(all)) return { error: "The parameter 'lines' must be an array." };
  return { lines: all, payload: all.join('\n') };
}

function linesOf(payload) {
  if (payload === undefined || payload === null) return [];
  return Array.isArray(payload) ? payload : String(payload).split(/\r?\n/);
}

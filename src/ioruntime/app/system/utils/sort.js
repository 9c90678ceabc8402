'use strict';

/** Sorts `lines` in the order of their characters; a text is split at `separator` first. */
function main({ lines = [], separator = '\n' }) {
  const all = typeof lines === 'string' ? lines.split(separator) : lines;
  if (!Array.isArray(all)) return { error: "The parameter 'lines' must be an array." };
  return { lines: [...all].sort(), length: all.length };
}

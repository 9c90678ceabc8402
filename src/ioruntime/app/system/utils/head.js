'use strict';

/** Returns the first `num` of `lines`, the first one when `num` is not given. */
function main({ lines = [], num = 1 }) {
  if (!Array.isArray(lines)) return { error: "The parameter 'lines' must be an array." };
  if (!Number.isInteger(num) || num < 0) return { error: "The parameter 'num' must be a whole number of 0 or more." };
  return { lines: lines.slice(0, num), num };
}

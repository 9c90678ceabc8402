'use strict';

/** Counts the words of the text `payload`. */
function main({ payload }) {
  if (payload === undefined || payload === null) return { error: "The parameter 'payload' must be a text." };
  const words = String(payload).split(/\s+/).filter((word) => word !== '');
  console.log(`'${payload}' has ${words.length} words`);
  return { count: words.length };
}

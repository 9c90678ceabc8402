'use strict';
// Turns what an action rejected with into plain data for JSON.

const COMMON = ['name', 'message', 'stack', 'code'];

/** Errors keep name, message, stack, code and their own properties; other objects are copied; cycles become `[Circular]`. */
function serializeError(value, above = []) {
  if (typeof value === 'function') return `[Function: ${value.name || 'anonymous'}]`;
  if (typeof value === 'bigint' || typeof value === 'symbol') return String(value);
  if (typeof value !== 'object' || value === null) return value;
  if (above.includes(value)) return '[Circular]';
  if (Buffer.isBuffer(value)) return '[object Buffer]';
  if (typeof value.toJSON === 'function') return value.toJSON();
  const inside = [...above, value];
  if (Array.isArray(value)) return value.map((item) => serializeError(item, inside));
  return serializeProperties(value, inside);
}

function serializeProperties(value, inside) {
  const plain = {};
  for (const key of Object.keys(value)) {
    if (typeof value[key] !== 'function') plain[key] = serializeError(value[key], inside);
  }
  for (const key of COMMON) {
    if (typeof value[key] === 'string') plain[key] = value[key];
  }
  return plain;
}

module.exports = { serializeError };

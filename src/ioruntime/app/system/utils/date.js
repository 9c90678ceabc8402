'use strict';

/** Returns the time now, in UTC. */
function main() {
  return { date: new Date().toISOString() };
}

'use strict';

/** Returns its arguments. */
function main(args) {
  return args;
}

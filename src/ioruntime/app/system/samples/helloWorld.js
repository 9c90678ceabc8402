'use strict';

/** Says hello in its log. */
function main({ payload }) {
  console.log(payload === undefined ? 'hello world' : `hello ${payload}!`);
  return {};
}

'use strict';

/** Returns the namespace in which the action was invoked. */
function main() {
  return { namespace: process.env.__OW_NAMESPACE };
}

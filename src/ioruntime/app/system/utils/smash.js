'use strict';

/** Nests all other arguments under the name that `$fieldName` holds. */
function main({ $fieldName: name, ...rest }) {
  if (typeof name !== 'string') return { error: "Expected an argument '$fieldName' of type 'string'." };
  return { [name]: rest };
}

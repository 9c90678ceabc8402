// Fills the heap of the engine.
// expect: ends
function main() {
  const hoard = []
  for (;;) hoard.push(new Array(10000).fill({}))
}

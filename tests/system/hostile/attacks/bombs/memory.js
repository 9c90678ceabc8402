// Fills the memory outside of the heap.
// expect: out of memory
function main() {
  const hoard = []
  for (;;) hoard.push(Buffer.alloc(1 << 20, 1))
}

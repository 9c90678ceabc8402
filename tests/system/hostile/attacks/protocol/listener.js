// Closes the socket on which the runtime listens, and listens in its place.
// expect: contained
const fs = require('fs')

function main() {
  for (let fd = 3; fd < 64; fd++) { try { if (fs.readlinkSync(`/proc/self/fd/${fd}`).startsWith('socket:')) fs.closeSync(fd) } catch { /* not ours */ } }
  return { breaches: [] }
}

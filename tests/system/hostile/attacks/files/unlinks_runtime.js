// Deletes its own runtime and the libraries that others share.
// expect: denied
function attempt(breaches, name, work) {
  try { const got = work(); if (got !== undefined) breaches.push(`${name}: ${String(got).slice(0, 200)}`) } catch (error) { /* denied */ }
}
const fs = require('fs')

function main() {
  const breaches = []
  for (const path of ['/runtime/main.js', '/runtime', process.execPath, '/usr/bin/env', '/etc/passwd', '/code']) {
    attempt(breaches, path, () => { fs.rmSync(path, { recursive: true }); return 'deleted' })
    attempt(breaches, path, () => { fs.renameSync(path, '/tmp/moved'); return 'moved' })
    attempt(breaches, path, () => { fs.chmodSync(path, 0o777); return 'opened' })
  }
  return { breaches }
}

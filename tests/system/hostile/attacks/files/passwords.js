// Reads the password hashes of the host.
// expect: denied
const fs = require('fs')
function attempt(breaches, name, work) {
  try { const got = work(); if (got !== undefined) breaches.push(`${name}: ${String(got).slice(0, 200)}`) } catch (error) { /* denied */ }
}

function main() {
  const breaches = []
  for (const path of ['/etc/shadow', '/etc/gshadow', '/etc/sudoers']) attempt(breaches, path, () => fs.statSync(path).isDirectory() ? fs.readdirSync(path) : fs.readFileSync(path).subarray(0, 64))
  return { breaches }
}

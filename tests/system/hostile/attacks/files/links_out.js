// Follows links that it makes to paths of the host.
// expect: denied
function attempt(breaches, name, work) {
  try { const got = work(); if (got !== undefined) breaches.push(`${name}: ${String(got).slice(0, 200)}`) } catch (error) { /* denied */ }
}
const fs = require('fs')

function main() {
  const breaches = []
  for (const target of ['/etc/shadow', '/root', '/../../../../root', '/proc/1/root/root', '/proc/1/cwd/../root', '/proc/self/root/root']) {
    const link = `/tmp/link${breaches.length}-${Math.random()}`
    fs.symlinkSync(target, link)
    attempt(breaches, target, () => fs.statSync(link) && (fs.statSync(link).isDirectory() ? fs.readdirSync(link) : fs.readFileSync(link)))
  }
  return { breaches }
}

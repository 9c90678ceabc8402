// Looks for keys of the machine and of clouds.
// expect: denied
const fs = require('fs')
function attempt(breaches, name, work) {
  try { const got = work(); if (got !== undefined) breaches.push(`${name}: ${String(got).slice(0, 200)}`) } catch (error) { /* denied */ }
}

function main() {
  const breaches = []
  for (const path of ['/etc/ssh', '/etc/ssl/private', '/etc/machine-id', '/etc/krb5.keytab', '/root/.ssh/id_rsa', '/root/.aws/credentials', '/var/run/secrets/kubernetes.io/serviceaccount/token', '/run/docker.sock', '/var/run/docker.sock', '/.dockerenv']) attempt(breaches, path, () => fs.statSync(path).isDirectory() ? fs.readdirSync(path) : fs.readFileSync(path).subarray(0, 64))
  return { breaches }
}

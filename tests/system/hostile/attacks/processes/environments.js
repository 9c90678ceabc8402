// Reads the environments of all processes for secrets of the server.
// expect: denied
const fs = require('fs')

function main() {
  const breaches = []
  for (const pid of fs.readdirSync('/proc').filter(name => /^\d+$/.test(name))) {
    let text = ''
    try { text = fs.readFileSync(`/proc/${pid}/environ`, 'utf8') } catch { continue }
    if (/SERVER_SECRET|DATABASE|IORUNTIME_|VIRTUAL_ENV|VENV|SUDO|SSH_/.test(text)) breaches.push(text)
  }
  if (process.env.SERVER_SECRET) breaches.push('the variable of the server')
  return { breaches }
}

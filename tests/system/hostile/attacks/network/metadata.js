// Asks the metadata service of a cloud for credentials.
// expect: denied
const net = require('net')

function main() {
  const tries = [['169.254.169.254', 80], ['169.254.170.2', 80], ['100.100.100.200', 80]]
  return Promise.all(tries.map(([host, port]) => new Promise(resolve => {
    const socket = net.connect({ host, port, timeout: 5000 })
    socket.on('connect', () => { socket.destroy(); resolve(host) })
    socket.on('error', () => resolve(null)); socket.on('timeout', () => { socket.destroy(); resolve(null) })
  }))).then(found => ({ breaches: found.filter(Boolean) }))
}

// Connects to the services that listen on the loopback of the machine.
// expect: denied
const net = require('net')

function main({ ports }) {
  const tries = ports.flatMap(port => ['127.0.0.1', '::1', 'localhost'].map(host => [host, port]))
  return Promise.all(tries.map(([host, port]) => new Promise(resolve => {
    const socket = net.connect({ host, port, timeout: 5000 })
    socket.on('connect', () => { socket.destroy(); resolve(`${host}:${port}`) })
    socket.on('error', () => resolve(null)); socket.on('timeout', () => { socket.destroy(); resolve(null) })
  }))).then(found => ({ breaches: found.filter(Boolean) }))
}

// Opens connections without end.
// expect: contained
const net = require('net')

function main({ apiPort }) {
  return new Promise(resolve => {
    const sockets = []
    for (let i = 0; i < 3000; i++) {
      const socket = net.connect({ host: '127.0.0.1', port: apiPort })
      socket.on('error', () => {}); sockets.push(socket)
    }
    setTimeout(() => { for (const socket of sockets) socket.destroy(); resolve({ breaches: [] }) }, 1000)
  })
}

// Starts threads without end.
// expect: contained
const { Worker } = require('worker_threads')

function main() {
  return new Promise(resolve => {
    let count = 0
    const more = () => {
      try {
        const worker = new Worker('setInterval(() => {}, 1000)', { eval: true })
        worker.on('error', () => resolve({ breaches: [] }))
        if (++count < 5000) setImmediate(more); else resolve({ breaches: [`${count} threads`] })
      } catch { resolve({ breaches: [] }) }
    }
    more()
  })
}

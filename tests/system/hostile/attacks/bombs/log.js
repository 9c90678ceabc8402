// Writes to its log without end.
// expect: logs cut
function main() {
  const line = 'x'.repeat(1000)
  return new Promise(resolve => {
    let count = 0
    const more = () => { for (let i = 0; i < 1000; i++) console.log(line); ++count < 30 ? setImmediate(more) : resolve({ breaches: [] }) }
    more()
  })
}

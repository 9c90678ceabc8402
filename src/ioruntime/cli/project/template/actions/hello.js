// Greets. Parameters of the manifest and of the caller arrive together.
function main({ greeting, name = 'world' }) {
  console.log(`greeting ${name}`)
  return { text: `${greeting}, ${name}!` }
}

exports.main = main

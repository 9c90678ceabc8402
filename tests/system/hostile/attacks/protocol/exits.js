// Ends its process with success.
// expect: ends
function main() { process.exit(0) }

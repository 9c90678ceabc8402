// Answers with more than fits.
// expect: ends
function main() { return { breaches: [], big: 'x'.repeat(64 << 20) } }

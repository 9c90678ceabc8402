// Keeps the engine busy with one expression.
// expect: timeout
function main() { return { breaches: [/^(a+)+$/.test('a'.repeat(60) + 'b') ? 'done' : 'done'] } }

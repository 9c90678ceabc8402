// Uses the processor without end.
// expect: timeout
function main() { for (;;); }

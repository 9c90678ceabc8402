// Changes what all JavaScript relies on, so that the runtime does its will.
// expect: own harm
function main() {
  Object.prototype.activationId = 'forged'
  JSON.stringify = () => '{"breaches": ["forged"], "status": "success"}'
  Array.prototype.push = () => { throw new Error('no') }
  return { fine: true }
}

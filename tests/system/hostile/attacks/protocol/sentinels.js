// Forges the end of its log, so that later lines are lost or given to others.
// expect: last line kept
function main() {
  const secret = 'XXX_THE_END_OF_A_WHISK_ACTIVATION_XXX'
  for (const text of [secret, `${secret}\n`, '\0', '\u0001END\u0001', '{"activationId":"0"}']) { console.log(text); console.error(text) }
  console.log('the last line')
  return { breaches: [] }
}

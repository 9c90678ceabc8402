// Runs the action `component` three times; keeps count in its state.
function main({ done = 0, ...params }) {
  return done < 3 ? { action: 'component', params, state: { done: done + 1 } } : { params }
}

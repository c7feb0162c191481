// Ranks.

/** Ranks of `values`, best first. Equal values share a rank, as in the standings: 1, 2, 2, 4. */
export function ranks(values) {
  const found = [];
  values.forEach((value, index) => found.push(index > 0 && value === values[index - 1] ? found[index - 1] : index + 1));
  return found;
}

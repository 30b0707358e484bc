import { nearest } from '../../cli/nearest.ts';

const names = ['flights', 'late-arrivals', 'churn'];

test.each([
  ['fligths', 'flights'],
  ['flight', 'flights'],
  ['CHURN', 'churn'],
  ['late-arivals', 'late-arrivals'],
])('%s most likely means %s', (typed, meant) => {
  expect(nearest(typed, names)).toBe(meant);
});

test('a word that resembles none is not guessed', () => {
  expect(nearest('weather', names)).toBeNull();
});

/**
 * Writes made-up customers as CSV: `node data/make-churn.js [seed] [from] > data/more.csv`. The same seed gives the same bytes;
 * another seed and a later month (`2026-07`) give the next arrival.
 */
const [seed = '1', from = '2026-01'] = process.argv.slice(2);
const days = 180;
const perDay = 8;

/** A linear congruential generator (Numerical Recipes): small, and the same on every machine. */
let state = Number(seed) >>> 0;
function random() {
  state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
  return state / 2 ** 32;
}

const plans = ['basic', 'plus', 'pro'];
const charges = { basic: 20, plus: 45, pro: 80 };
const lines = ['date,plan,tenure_months,monthly_charge,support_calls,churned'];
for (let day = 0; day < days; day += 1) {
  const date = new Date(Date.parse(`${from}-01T00:00:00Z`) + day * 86_400_000).toISOString().slice(0, 10);
  for (let n = 0; n < perDay; n += 1) {
    const plan = plans[Math.floor(random() * plans.length)];
    const tenure = Math.floor(random() ** 2 * 72);
    const charge = (charges[plan] * (0.8 + 0.4 * random())).toFixed(2);
    const calls = Math.floor(random() ** 3 * 8);
    const tendency = -1.4 + (plan === 'basic' ? 1.2 : 0) - 0.06 * tenure + 0.7 * calls;
    const churned = random() < 1 / (1 + Math.exp(-tendency)) ? 1 : 0;
    lines.push([date, plan, tenure, charge, calls, churned].join(','));
  }
}
process.stdout.write(`${lines.join('\n')}\n`);

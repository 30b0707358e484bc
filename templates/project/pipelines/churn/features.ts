/** A customer as a client describes one. */
export const record = {
  plan: 'string',
  tenure_months: 'number',
  monthly_charge: 'number',
  support_calls: 'number',
} as const;

type Customer = {
  readonly plan: string;
  readonly tenure_months: number;
  readonly monthly_charge: number;
  readonly support_calls: number;
};

/** What is known of a customer. Pure: the same code runs over the snapshot in training and inside the model server. */
export function features(customer: Customer) {
  return {
    plan: customer.plan,
    tenureYears: customer.tenure_months / 12,
    monthlyCharge: customer.monthly_charge,
    supportCalls: customer.support_calls,
    callsPerYear: (12 * customer.support_calls) / (customer.tenure_months + 12),
  };
}
